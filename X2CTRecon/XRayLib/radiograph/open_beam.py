"""Open beam: where nothing attenuates, the signal is flat, at one end of its range, and reaches the field's sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.frontal_symmetry import cropped_to_field
from XRayLib.radiograph.reduced_copy import averaged_down

SEARCH_SIZE_PX = 256
FLAT = 0.012
"""Largest local standard deviation (5 x 5 cells), of the image's range."""
EXTREME = 0.05
SIDE_WIDTH = 1 / 30
ABDOMEN = 0.1
"""The lowest part of a chest film is left out: the abdomen saturates there as flat as air does."""
SMALLEST_PART = 0.003


@dataclass(frozen=True)
class FlatExtreme:
    """``part`` of the field that is flat at one end of the range, and its median ``level`` (NaN when too small)."""

    part: float
    level: float


@dataclass(frozen=True)
class FieldSides:
    """What the left and right sides of the exposed field show.

    ``dark``, ``bright``: the flat regions at either end of the range that reach a side, levels in the image's units.
    ``rank``: mean rank of the sides' brightness within the field, -0.5 (darkest) to 0.5 (brightest).
    """

    dark: FlatExtreme
    bright: FlatExtreme
    rank: float


def field_sides(image: NDArray[np.generic], field: NDArray[np.bool_] | None = None) -> FieldSides:
    """Judge the sides of a (rows, columns) image of either polarity inside its exposed ``field``."""
    small, inside = _field(image, field)
    values = np.sort(small[inside])
    low, high = (float(v) for v in np.percentile(values, [0.5, 99.5]))
    sides = _side_strips(inside)
    strip = small[sides]
    ranks = (np.searchsorted(values, strip, "left") + np.searchsorted(values, strip, "right")) / (2 * len(values))
    scaled = (small - low) / max(high - low, 1e-12)
    flat = _is_flat(scaled) & inside
    flat[round((1 - ABDOMEN) * len(small)) :] = False
    dark, bright = flat & (scaled < EXTREME), flat & (scaled > 1 - EXTREME)
    return FieldSides(
        _reaching(dark, sides, small, len(values)),
        _reaching(bright, sides, small, len(values)),
        float(ranks.mean()) - 0.5 if len(ranks) else 0.0,
    )


def _field(
    image: NDArray[np.generic], field: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The field's box on a reduced grid, and which of its cells are safely inside the field."""
    import cv2

    small = averaged_down(cropped_to_field(image, field), SEARCH_SIZE_PX)
    if field is None or not field.any():
        return small, np.ones(small.shape, dtype=bool)
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    inside = averaged_down(field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], SEARCH_SIZE_PX) > 0.999
    eroded = cv2.erode(inside.astype(np.uint8), np.ones((5, 5))).astype(bool)
    return small, eroded if eroded.any() else np.ones(small.shape, dtype=bool)


def _is_flat(scaled: NDArray[np.float32]) -> NDArray[np.bool_]:
    import cv2

    mean = cv2.blur(scaled, (5, 5))
    variance = cv2.blur(scaled * scaled, (5, 5)) - mean * mean
    return variance < FLAT**2


def _side_strips(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first and last cells of the field in each row, the lowest rows left out."""
    width = max(3, round(SIDE_WIDTH * inside.shape[1]))
    from_left = np.cumsum(inside, axis=1)
    from_right = from_left[:, -1:] - from_left + inside
    strips = inside & ((from_left <= width) | (from_right <= width))
    strips[round(0.85 * len(strips)) :] = False
    return strips


def _reaching(
    region: NDArray[np.bool_], sides: NDArray[np.bool_], image: NDArray[np.float32], count: int
) -> FlatExtreme:
    """The connected parts of ``region`` that reach ``sides``."""
    import cv2

    _, labels = cv2.connectedComponents(region.astype(np.uint8))
    touching = np.unique(labels[sides & region])
    reaching = np.isin(labels, touching[touching > 0])
    part = np.count_nonzero(reaching) / count
    return FlatExtreme(part, float(np.median(image[reaching])) if part >= SMALLEST_PART else float("nan"))
