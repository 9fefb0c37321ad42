"""Agreement of two regions on one grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def dice(first: Mask, second: Mask) -> float:
    """2 |A and B| / (|A| + |B|) (Dice, Ecology 26, 1945); not a number when both are empty."""
    total = int(first.sum()) + int(second.sum())
    return float("nan") if total == 0 else 2.0 * float(np.logical_and(first, second).sum()) / total


def mean_surface_distance_mm(first: Mask, second: Mask, spacing_kji_mm: tuple[float, float, float]) -> float:
    """Symmetric mean distance between the regions' border voxels, mm; not a number when one is empty."""
    from scipy.ndimage import distance_transform_edt

    borders = [_border(mask) for mask in (first, second)]
    if not all(border.any() for border in borders):
        return float("nan")
    distances = [
        distance_transform_edt(~borders[other], sampling=spacing_kji_mm)[borders[own]]
        for own, other in ((0, 1), (1, 0))
    ]
    return float(np.concatenate(distances).mean())


def _border(mask: Mask) -> Mask:
    from scipy.ndimage import binary_erosion

    return mask & ~binary_erosion(mask, border_value=1)
