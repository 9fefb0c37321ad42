"""A film's contrast without its gain, offset and tone: what a network may rely on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

TAILS_PERCENT = (1.0, 99.0)
NEIGHBOURHOOD = 1 / 16
"""Standard deviation of the neighbourhood that the local contrast is taken in, of the image's width."""
LOCAL_FLOOR = 0.1
"""Of the whole film's standard deviation: flat regions are not blown up to noise."""
LARGEST = 4.0
FEWEST_PIXELS = 16


def two_contrasts(image: Array, known: NDArray[np.bool_]) -> Array:
    """(2, rows, columns): global and local standard scores of a film, 0 where nothing is known.

    Both are unchanged by any positive gain and any offset of ``image``. The local one also forgets slow tone changes
    (scatter, heel effect, display curves).
    """
    import cv2

    found = np.zeros((2, *image.shape), np.float32)
    if np.count_nonzero(known) < FEWEST_PIXELS:
        return found
    low, high = np.percentile(image[known], TAILS_PERCENT)
    clipped = np.clip(image, low, high).astype(np.float32)
    deviation = float(clipped[known].std())
    if deviation <= 1e-6 * max(abs(low), abs(high), 1e-12):
        return found
    scores = np.where(known, (clipped - clipped[known].mean()) / deviation, 0).astype(np.float32)

    def mean_of_neighbours(values: Array) -> Array:
        sigma_px = NEIGHBOURHOOD * image.shape[1]
        return cv2.GaussianBlur(values, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT)

    share = np.maximum(mean_of_neighbours(known.astype(np.float32)), 1e-3)
    mean = mean_of_neighbours(scores) / share
    variance = np.maximum(mean_of_neighbours(scores**2) / share - mean**2, 0)
    found[0] = scores
    found[1] = np.where(known, (scores - mean) / np.sqrt(variance + LOCAL_FLOOR**2), 0)
    return np.clip(found, -LARGEST, LARGEST)
