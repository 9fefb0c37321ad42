"""The exposed field as the DICOM header states it: display shutter, collimator, pixel padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry.dicom_frame_tags import FrameTags

SMALLEST_FIELD = 0.02
"""A stated field that leaves less than this part of the image is a misstatement."""


def stated_field(tags: FrameTags, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """(rows, columns) bool, True inside shutter (PS3.3 C.7.6.11) and collimator (C.8.7.3); None when neither is stated.

    Edges are numbers of rows and columns, the first one being 1; the edges' own pixels lie outside.
    """
    fields = [f for prefix in ("Shutter", "Collimator") if (f := _opening(tags, prefix, shape)) is not None]
    if not fields:
        return None
    field = np.logical_and.reduce(fields)
    return field if field.mean() >= SMALLEST_FIELD and not field.all() else None


def unpadded(tags: FrameTags, stored: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """(rows, columns) bool, False on pixels with the Pixel Padding Value or in its range (C.7.5.1.1.2); None when no
    pixel is padding, or all are."""
    value, limit = tags.number("PixelPaddingValue"), tags.number("PixelPaddingRangeLimit")
    if value is None:
        return None
    low, high = sorted((value, value if limit is None else limit))
    if stored.dtype.kind == "i" and low > np.iinfo(stored.dtype).max:
        # Written as unsigned (US) although the pixels are signed.
        low, high = (v - 2.0 ** (8 * stored.dtype.itemsize) for v in (low, high))
    field = (stored < low) | (stored > high)
    return None if field.all() or field.mean() < SMALLEST_FIELD else field


def _opening(tags: FrameTags, prefix: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    shapes = tags.text(f"{prefix}Shape")
    found = []
    if "RECTANGULAR" in shapes:
        found.append(_rectangle(tags, prefix, shape))
    if "CIRCULAR" in shapes:
        found.append(_circle(tags, prefix, shape))
    if "POLYGONAL" in shapes:
        found.append(_polygon(tags, prefix, shape))
    found = [field for field in found if field is not None]
    return np.logical_and.reduce(found) if found else None


def _rectangle(tags: FrameTags, prefix: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    edges = ("LeftVerticalEdge", "RightVerticalEdge", "UpperHorizontalEdge", "LowerHorizontalEdge")
    left, right, upper, lower = (tags.number(prefix + edge) for edge in edges)
    if left is None or right is None or upper is None or lower is None:
        return None
    row, column = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    return (column > left) & (column < right) & (row > upper) & (row < lower)


def _circle(tags: FrameTags, prefix: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    centre, radius = tags.numbers(f"CenterOfCircular{prefix}"), tags.number(f"RadiusOfCircular{prefix}")
    if centre is None or len(centre) != 2 or radius is None or radius <= 0:
        return None
    row, column = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    return (row - centre[0]) ** 2 + (column - centre[1]) ** 2 < radius**2


def _polygon(tags: FrameTags, prefix: str, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    numbers = tags.numbers(f"VerticesOfThePolygonal{prefix}")
    if numbers is None or len(numbers) < 6 or len(numbers) % 2 or max(abs(n) for n in numbers) > 32000:
        return None
    import cv2

    vertices = np.round(np.reshape(numbers, (-1, 2))[:, ::-1] - 1).astype(np.int32)
    filled = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(filled, [vertices], 1)
    return filled.astype(bool)
