"""Small copies of an image on which its layout is judged: borders, polarity, view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def reduced_copy(image: NDArray[np.generic], long_side: int) -> NDArray[np.float32]:
    """The image averaged down to at most ``long_side`` pixels, its 0.5 to 99.5 percentiles stretched to 0..1.

    (rows, columns) of any type -> (rows', columns') float32 in [0, 1]; all zero when the image is constant.
    """
    small = averaged_down(image, long_side)
    low, high = (float(v) for v in np.percentile(small, [0.5, 99.5]))
    if high <= low:
        low, high = float(small.min()), float(small.max())
    if high <= low:
        return np.zeros_like(small)
    return np.clip((small - low) / (high - low), 0.0, 1.0)


def averaged_down(image: NDArray[np.generic], long_side: int) -> NDArray[np.float32]:
    """The image with at most ``long_side`` pixels a side, each the mean of those it replaces; values unchanged."""
    import cv2

    rows, columns = image.shape
    factor = long_side / max(rows, columns)
    if factor >= 1.0:
        return np.array(image, dtype=np.float32)
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    return cv2.resize(np.asarray(image, dtype=np.float32), size, interpolation=cv2.INTER_AREA)


def enlarged_mask(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A mask of a reduced copy on the full image's grid of ``shape`` (rows, columns)."""
    import cv2

    size = (shape[1], shape[0])
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
