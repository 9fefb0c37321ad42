"""Volumes brought onto the grid on which they are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume, resample
from XRayLib.ct.blocks import in_blocks

FINEST_SPACING_MM = 2.0
"""A finer reference is averaged down to about this spacing: no method resolves more, and metrics stay comparable."""

Mask = NDArray[np.bool_]


def coarsened(volume: Volume) -> Volume:
    """The volume smoothed and sampled so that no spacing is finer than FINEST_SPACING_MM by more than rounding."""
    factors = [max(1, round(FINEST_SPACING_MM / spacing)) for spacing in volume.spacing_mm]
    if factors == [1, 1, 1]:
        return volume
    shape = tuple(max(1, size // factor) for size, factor in zip(volume.voxels.shape, factors[::-1], strict=True))
    return resample(volume, shape, in_blocks(volume.ijk_to_ras, factors))


def onto(volume: Volume, grid: Volume) -> tuple[NDArray[np.float32], Mask]:
    """The volume on another grid, air outside its field of view, and where it has values."""
    shape = grid.voxels.shape
    seen = resample(replace(volume, voxels=np.ones_like(volume.voxels), quantity="share"), shape, grid.ijk_to_ras)
    return resample(replace(volume, quantity="HU"), shape, grid.ijk_to_ras).voxels, seen.voxels > 0.5


def labels_onto(labels: Volume, grid: Volume) -> NDArray[np.float32]:
    """The nearest label at each voxel of another grid, 0 outside."""
    return resample(replace(labels, quantity="label"), grid.voxels.shape, grid.ijk_to_ras).voxels


def bounding_box(mask: Mask) -> tuple[slice, slice, slice]:
    """The smallest box (k, j, i) that holds all of a mask, which must not be empty."""
    spans = []
    for axis in range(3):
        occupied = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        spans.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return spans[0], spans[1], spans[2]
