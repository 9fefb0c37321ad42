"""Burned-in text and side markers: small marks with edges sharper than anatomy has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.reduced_copy import enlarged_mask, reduced_copy

SEARCH_SIZE_PX = 768
STROKE = 1 / 32
"""Widest stroke or filled mark, of the longer side."""
LARGEST_MARK = 0.08
"""Longest extent of one connected mark, of the longer side."""
SMALLEST_CONTRAST = 0.25
SHARP_EDGE = 0.33
"""Gradient per pixel at the mark's edge over its contrast: a step over three pixels. Bone and skin are softer."""


def find_burned_in_marks(
    image: NDArray[np.generic], field: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_] | None:
    """(rows, columns) bool, True on small sharp marks inside the exposed ``field``; None when there are none.

    White and black top-hat transforms give small structures that stand out; connected ones of a letter's size with
    step-like edges are taken. Small metal parts look the same and are masked too.
    """
    import cv2

    small = reduced_copy(image, SEARCH_SIZE_PX)
    rows, columns = small.shape
    if min(rows, columns) < 64:
        return None
    inside = np.ones(small.shape, dtype=bool)
    if field is not None:
        inside = cv2.resize(field.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST).astype(bool)
        small = np.where(inside, small, np.median(small[inside])).astype(np.float32)
        inside = cv2.erode(inside.astype(np.uint8), np.ones((5, 5))).astype(bool)
    stroke = 2 * round(STROKE * max(small.shape) / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stroke, stroke))
    found = np.zeros(small.shape, dtype=bool)
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        height = cv2.morphologyEx(small, operation, kernel)
        found |= _sharp_marks(small, height, (height > SMALLEST_CONTRAST) & inside)
    if not found.any():
        return None
    found = cv2.dilate(found.astype(np.uint8), np.ones((7, 7))).astype(bool)
    return enlarged_mask(found, image.shape)


def without_marks(image: NDArray[np.float32], marks: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The image with the marked pixels replaced by what surrounds them, so that no method sees text as bone."""
    import cv2

    filled = image.copy()
    count, _, boxes, _ = cv2.connectedComponentsWithStats(marks.astype(np.uint8), connectivity=8)
    for left, top, width, height, _ in boxes[1:count]:
        border = max(3, max(width, height) // 4)
        window = np.s_[max(0, top - border) : top + height + border, max(0, left - border) : left + width + border]
        covered = marks[window]
        if not covered.all():
            filled[window][covered] = np.median(filled[window][~covered])
    return filled


def _sharp_marks(
    image: NDArray[np.float32], height: NDArray[np.float32], candidates: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    import cv2

    slope = np.hypot(cv2.Sobel(image, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(image, cv2.CV_32F, 0, 1) / 8)
    longest = LARGEST_MARK * max(image.shape)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8), connectivity=8)
    marks = np.zeros(image.shape, dtype=bool)
    for label in range(1, count):
        left, top, wide, high, area = boxes[label]
        if area < 12 or min(wide, high) < 3 or max(wide, high) > longest:
            continue
        window = np.s_[top : top + high, left : left + wide]
        mark = labels[window] == label
        padded = np.pad(mark.astype(np.uint8), 1)
        edge = mark & ~cv2.erode(padded, np.ones((3, 3)))[1:-1, 1:-1].astype(bool)
        if np.median(slope[window][edge]) > SHARP_EDGE * np.median(height[window][mark]):
            marks[window] |= mark
    return marks
