"""A film of any size as the small square that a style network reads, and the network's change brought back to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph import Radiograph

SIDE = 96
LOW_PERCENTILE, HIGH_PERCENTILE = 0.5, 99.5

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SquareFilm:
    """``image`` (side, side), 0..1, bone bright, the film in the middle and its borders repeated around it.

    ``gain`` and ``offset``: line integral = gain * value + offset.
    """

    image: Image
    gain: float
    offset: float
    size_px: tuple[int, int]
    """Columns and rows of the film."""

    @classmethod
    def of(cls, radiograph: Radiograph, side: int = SIDE) -> SquareFilm:
        """The film averaged over the pixels of the square; a film without contrast is 0 everywhere."""
        import cv2

        film = radiograph.line_integral
        seen = film if radiograph.mask is None or not radiograph.mask.any() else film[radiograph.mask]
        low, high = (float(value) for value in np.percentile(seen, (LOW_PERCENTILE, HIGH_PERCENTILE)))
        gain = max(high - low, 1e-6)
        size_px = radiograph.geometry.size_px
        columns, rows = _fitted(size_px, side)
        small = cv2.resize(film, (columns, rows), interpolation=cv2.INTER_AREA)
        left, top = (side - columns) // 2, (side - rows) // 2
        padding = ((top, side - rows - top), (left, side - columns - left))
        image = np.clip((np.pad(small, padding, mode="edge") - low) / gain, 0, 1)
        return cls(image.astype(np.float32), gain, low, size_px)

    def inner(self, square: Image) -> Image:
        """The part of a square that shows the film."""
        side = len(self.image)
        columns, rows = _fitted(self.size_px, side)
        left, top = (side - columns) // 2, (side - rows) // 2
        return square[top : top + rows, left : left + columns]

    def changed_film(self, film: Image, changed: Image) -> Image:
        """``film`` (its own pixels) with the smooth change from ``image`` to ``changed`` added: its detail stays."""
        import cv2

        change = np.ascontiguousarray(self.inner(changed - self.image))
        change = cv2.resize(change, self.size_px, interpolation=cv2.INTER_LINEAR)
        return np.maximum(film + self.gain * change, 0).astype(np.float32)


def _fitted(size_px: tuple[int, int], side: int) -> tuple[int, int]:
    factor = side / max(size_px)
    columns, rows = (max(1, round(factor * size)) for size in size_px)
    return columns, rows
