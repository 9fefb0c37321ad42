"""The corners of a box, for what must hold it or lie outside of it."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray


def box_corners(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """The eight corners (8, 3) of the box between two opposite ones (3,), in their frame and unit."""
    return np.array(list(itertools.product(*zip(low, high, strict=True))), float)
