"""The coarse, smooth volume that is added to a reconstruction."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import MU_WATER_PER_MM, Volume, resample

Array = NDArray[np.float32]

VOXELS_ALONG_THE_LONGEST_SIDE = 44
SMOOTHNESS_VOXELS = 1.0
BODY_ABOVE_PER_MM = 0.05 * MU_WATER_PER_MM
OUTSIDE_SHARE = 0.1
"""How much a voxel outside of the reconstructed body may change, relative to one inside."""


class ResidualGrid:
    """Coarse voxels over a volume; ``shaped`` turns white noise into a plausible change, ``fine`` interpolates it."""

    def __init__(self, attenuation: Volume) -> None:
        sizes = np.array(attenuation.voxels.shape[::-1])
        lengths = (sizes - 1) * attenuation.spacing_mm
        spacing = max(float(lengths.max()) / VOXELS_ALONG_THE_LONGEST_SIDE, *attenuation.spacing_mm)
        counts = [max(2, math.ceil(length / spacing) + 1) for length in lengths]
        # The outermost centres of both grids coincide, so that the coarse change ends where the volume does.
        scale = np.diag([*((size - 1) / (count - 1) for size, count in zip(sizes, counts, strict=True)), 1.0])
        self._fine = attenuation
        self.spacing_mm = spacing
        self.empty = Volume(
            np.zeros(counts[::-1], np.float32), attenuation.ijk_to_ras @ _invertible(scale), attenuation.quantity
        )
        self._allowed = self._allowed_change()

    def shaped(self, white: Array) -> Array:
        """Smoothed and confined to the body, (k, j, i)."""
        return self._allowed * self._smoothed(white)

    def shaped_adjoint(self, change: Array) -> Array:
        """The exact adjoint of ``shaped``."""
        return self._smoothed(self._allowed * change)

    def fine(self, change: Array) -> Array:
        """The coarse change between the voxels of the volume."""
        coarse = Volume(change, self.empty.ijk_to_ras, self._fine.quantity)
        return resample(coarse, self._fine.voxels.shape, self._fine.ijk_to_ras).voxels  # type: ignore[arg-type]

    def _smoothed(self, voxels: Array) -> Array:
        from scipy import ndimage

        return ndimage.gaussian_filter(voxels, SMOOTHNESS_VOXELS, mode="constant")

    def _allowed_change(self) -> Array:
        from scipy import ndimage

        coarse = resample(self._fine, self.empty.voxels.shape, self.empty.ijk_to_ras).voxels  # type: ignore[arg-type]
        body = ndimage.binary_dilation(ndimage.binary_fill_holes(coarse > BODY_ABOVE_PER_MM), iterations=1)
        soft = ndimage.gaussian_filter(body.astype(np.float32), 0.7, mode="nearest")
        return OUTSIDE_SHARE + (1 - OUTSIDE_SHARE) * soft


def _invertible(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """A volume of one voxel along an axis gets coarse voxels of the same thickness."""
    scale[np.diag_indices(3)] = np.where(np.diag(scale)[:3] > 0, np.diag(scale)[:3], 1.0)
    return scale
