"""Points of the patient that a network sees on a film, each on its pixel's ray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SCENE_UNIT_MM = 100.0
LARGEST_DEVIATION_MM = 100.0
"""The published limit: a log standard deviation below 0 in the network's units."""


@dataclass(frozen=True)
class Correspondences:
    """``points_ct_ras_mm`` (N, 3) seen at ``pixels`` (N, 2) of the canonical view; ``deviation_mm`` (N,) per axis."""

    points_ct_ras_mm: Array
    pixels: Array
    deviation_mm: Array

    def __len__(self) -> int:
        return len(self.pixels)

    def chosen(self, which: NDArray[np.bool_]) -> Correspondences:
        """Those where ``which`` (N,) is true."""
        return Correspondences(self.points_ct_ras_mm[which], self.pixels[which], self.deviation_mm[which])


def correspondences_of(
    scene: NDArray[np.float32], middle_ras_mm: Array, side_px: int, largest_deviation_mm: float = LARGEST_DEVIATION_MM
) -> Correspondences:
    """Entry and exit points that the network is sure enough of.

    Parameters
    ----------
    scene : (8, rows, columns)
        Entry x, y, z (units of 100 mm from the CT's middle) and log standard deviation, then the same of the exit.
    middle_ras_mm : (3,)
    side_px : int
        Width of the canonical view that the pixels are given in.
    """
    _, rows, columns = scene.shape
    both = np.asarray(scene, float).reshape(2, 4, rows, columns)
    stride = side_px / columns
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) * stride + (stride - 1) / 2
    points = np.moveaxis(both[:, :3], 1, -1) * SCENE_UNIT_MM + middle_ras_mm
    deviation = np.exp(both[:, 3]) * SCENE_UNIT_MM
    sure = np.isfinite(both).all(axis=1) & (deviation < largest_deviation_mm)
    pixels = np.broadcast_to(grid, (2, rows, columns, 2))
    return Correspondences(points[sure], pixels[sure], deviation[sure])
