"""A volume as it looks after its points were displaced."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def deformed(voxels: Array, displacement_mm: Array, spacing_mm: float) -> Array:
    """The volume (n, n, n) whose every voxel shows what lies at its place plus ``displacement_mm`` (3, n, n, n) of k,
    j, i in ``voxels``; the outermost layers go on beyond the ends."""
    return _sampled(voxels, _places(displacement_mm, spacing_mm))


def deformed_with_gradient(voxels: Array, displacement_mm: Array, spacing_mm: float) -> tuple[Array, Array]:
    """``deformed``, and its derivative (3, n, n, n) per mm of the displacement along k, j, i."""
    places = _places(displacement_mm, spacing_mm)
    slopes = np.gradient(voxels, spacing_mm)
    return _sampled(voxels, places), np.stack([_sampled(slope.astype(np.float32), places) for slope in slopes])


def _places(displacement_mm: Array, spacing_mm: float) -> Array:
    return np.indices(displacement_mm.shape[1:], dtype=np.float32) + displacement_mm / np.float32(spacing_mm)


def _sampled(voxels: Array, places: Array) -> Array:
    from scipy import ndimage

    return ndimage.map_coordinates(voxels, places, order=1, mode="nearest")
