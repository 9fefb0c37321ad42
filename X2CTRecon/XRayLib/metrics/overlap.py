"""Agreement of two regions on one grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def dice(first: Mask, second: Mask) -> float:
    """2 |A and B| / (|A| + |B|) (Dice, Ecology 26, 1945); not a number when both are empty."""
    total = int(first.sum()) + int(second.sum())
    return float("nan") if total == 0 else 2.0 * float(np.logical_and(first, second).sum()) / total
