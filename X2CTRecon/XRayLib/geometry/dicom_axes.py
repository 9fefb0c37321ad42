"""How a DICOM projection image lies on its detector: orientation of its axes, position of the central ray."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry.dicom_frame_tags import FrameTags
from XRayLib.geometry.xray_geometry import XRayGeometry

ORIENTATION_LETTERS = {
    "R": (1.0, 0.0, 0.0),
    "L": (-1.0, 0.0, 0.0),
    "A": (0.0, 1.0, 0.0),
    "P": (0.0, -1.0, 0.0),
    "H": (0.0, 0.0, 1.0),
    "F": (0.0, 0.0, -1.0),
}
"""Patient Orientation (PS3.3 C.7.6.1.1.1) letters as RAS directions."""

LEAST_AGREEMENT = 0.5
"""Cosine between a stated and a possible image axis below which the statement contradicts the view."""

Vector = NDArray[np.float64]


def read_image_axes(tags: FrameTags) -> tuple[Vector, Vector] | None:
    """RAS unit vectors of increasing column and increasing row from Patient Orientation; None when not stated."""
    value = tags.value("PatientOrientation")
    if value is None or isinstance(value, str) or len(value) != 2:
        return None
    along_columns, along_rows = (_direction(str(letters)) for letters in value)
    if along_columns is None or along_rows is None:
        return None
    return along_columns, along_rows


def _direction(letters: str) -> Vector | None:
    """Mean direction of e.g. "L" or "LA"; the first letter counts most, as the standard orders them."""
    letters = letters.strip().upper()
    if not re.fullmatch(r"[RLAPHF]{1,3}", letters):
        return None
    direction = sum(np.array(ORIENTATION_LETTERS[letter]) / (rank + 1) for rank, letter in enumerate(letters))
    contradictory = np.count_nonzero(direction) < len(letters)
    return None if contradictory else direction / np.linalg.norm(direction)


def image_axes_of(geometry: XRayGeometry) -> list[str]:
    """Patient Orientation letters of the image's axes: [row direction, column direction], e.g. ["L", "F"]."""
    return [_letters(geometry.column_direction), _letters(geometry.row_direction)]


def _letters(direction: Vector) -> str:
    shares = {letter: float(direction @ axis) for letter, axis in ORIENTATION_LETTERS.items()}
    strongest = sorted((letter for letter, share in shares.items() if share > 0.2), key=lambda letter: -shares[letter])
    return "".join(strongest)


def oriented_axes(columns: Vector, rows: Vector, stated: tuple[Vector, Vector]) -> tuple[Vector, Vector] | None:
    """The axes of a detector, turned in quarters and flipped to fit the stated image axes best.

    Returns (increasing column, increasing row); None when no arrangement comes near: the statement is for another view.
    """
    candidates = [
        (sign_a * a, sign_b * b)
        for a, b in ((columns, rows), (rows, columns))
        for sign_a, sign_b in product((1, -1), (1, -1))
    ]
    best = max(candidates, key=lambda axes: axes[0] @ stated[0] + axes[1] @ stated[1])
    agreement = min(best[0] @ stated[0], best[1] @ stated[1])
    return best if agreement >= LEAST_AGREEMENT else None


def read_principal_point(tags: FrameTags, size_px: tuple[int, int], spacing_mm: tuple[float, float]) -> Vector | None:
    """(column, row) of the central ray when the image is a stated part of the detector; None: not stated.

    The central ray meets the middle of the detector's active area, or the stated projection of the isocentre. The
    image starts at Field of View Origin, was then rotated clockwise and flipped (PS3.3 C.8.11.4.1.1).
    """
    element_mm = tags.numbers("DetectorElementSpacing")
    origin = tags.numbers("FieldOfViewOrigin")
    if element_mm is None or origin is None or len(element_mm) != 2 or len(origin) != 2 or min(element_mm) <= 0:
        return None
    center = _detector_center_elements(tags, np.array(element_mm))
    if center is None:
        return None
    quarter_turns = round((tags.number("FieldOfViewRotation") or 0.0) / 90.0) % 4
    columns, rows = size_px
    row_mm, column_mm = spacing_mm
    if quarter_turns % 2:
        columns, rows, row_mm, column_mm = rows, columns, column_mm, row_mm
    # Element centres are whole numbers; the image's first pixel begins half an element before the origin's centre.
    row, column = (center - origin + 0.5) * element_mm / (row_mm, column_mm) - 0.5
    for _ in range(quarter_turns):
        column, row, columns, rows = rows - 1 - row, column, rows, columns
    if tags.text("FieldOfViewHorizontalFlip") == "YES":
        column = columns - 1 - column
    inside = -0.5 * columns < column < 1.5 * columns and -0.5 * rows < row < 1.5 * rows
    return np.array([column, row]) if inside else None


def _detector_center_elements(tags: FrameTags, element_mm: Vector) -> Vector | None:
    """(row, column) of the central ray on the detector, in elements from the centre of the first one."""
    isocenter = tags.numbers("PositionOfIsocenterProjection")
    if isocenter is not None and len(isocenter) == 2:
        return np.array(isocenter)
    size_mm = tags.numbers("PhysicalDetectorSize")
    origin: Vector = np.zeros(2)
    if size_mm is None:
        size_mm = tags.numbers("DetectorActiveDimensions")
        origin = np.array(tags.numbers("DetectorActiveOrigin") or (0.0, 0.0))
    if size_mm is None or len(size_mm) != 2 or origin.shape != (2,) or min(size_mm) <= 0:
        return None
    return origin + np.array(size_mm) / element_mm / 2 - 0.5
