"""Straight collimator blades: the edges of the exposed field, upright or turned.

A blade's edge is the one line in a radiograph that is straight to a pixel over most of the image; skin and bone are
not. Candidates come from a shear-and-sum search over angles (a Radon transform of the steps near each side), and each
is kept only when the step's position, measured row by row on a finer copy, follows a straight line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.reduced_copy import reduced_copy

SMALLEST_IMAGE_PX = 96
SEARCH_SIZE_PX = 384
FINE_SIZE_PX = 768
ANGLES_DEG = np.arange(-20.0, 20.1, 2.0)
FINER_DEG = (-1.0, -0.5, 0.0, 0.5, 1.0)
DEEPEST = 0.45
"""Blades are looked for up to this fraction of the width from each side."""
DEEPEST_WITH_ANATOMY = 0.22
"""Anatomy may shine through a blade's shadow (scatter, local contrast enhancement) only this close to the side."""
DEEPEST_WITH_CLEAR_ANATOMY = 0.06
"""Clear anatomy behind a line is a shadow's only at the very side: an arm beside a straight flank is no shadow."""
STRONG_STEP, VERY_STRONG_STEP = 0.15, 0.2
"""Of the image's range; a flank's is not very strong."""
FEATURELESS = 0.06
"""85th percentile of deviations along the blade's direction, of the image's range, in a shadow without anatomy."""
FAINT = 0.2
"""The same where anatomy shines through."""
SMALLEST_STEP = 0.05
SAME_LEVEL = 0.03
STRAIGHT_OF_SEEN = 0.7
STRAIGHT_OF_IMAGE = 0.5
"""Parts of the rows where a step is seen, and of all rows, whose step must lie on the line."""
STRAIGHT_TOLERANCE_PX = 1.3


@dataclass(frozen=True)
class Blade:
    """A line ``column = offset + slope * (row - middle row)`` on an image turned so that the blade is at its left.

    ``quarter_turns`` counter-clockwise bring the blade's side to the left; ``offset`` is a fraction of the width.
    """

    quarter_turns: int
    offset: float
    slope: float

    def shadow(self, shape: tuple[int, int], margin: float = 0.01) -> NDArray[np.bool_]:
        """(rows, columns) bool, True behind the blade's edge; ``margin`` of the width covers its penumbra."""
        rows, columns = shape if self.quarter_turns % 2 == 0 else shape[::-1]
        edge = (self.offset + margin) * columns + self.slope * (np.arange(rows) - (rows - 1) / 2)
        return np.rot90(np.arange(columns)[None, :] < edge[:, None], -self.quarter_turns)


@dataclass(frozen=True)
class _Candidate:
    score: float
    angle_deg: float
    column: int
    sign: int
    strength: float

    @property
    def slope(self) -> float:
        return float(np.tan(np.deg2rad(self.angle_deg)))


def find_blades(image: NDArray[np.generic]) -> list[Blade]:
    """The collimator blades of a radiograph of either polarity, at most one a side."""
    if min(image.shape) < SMALLEST_IMAGE_PX:
        return []
    coarse, fine = reduced_copy(image, SEARCH_SIZE_PX), reduced_copy(image, FINE_SIZE_PX)
    blades = []
    for quarter_turns in range(4):
        turned = np.ascontiguousarray(np.rot90(coarse, quarter_turns))
        turned_fine = np.ascontiguousarray(np.rot90(fine, quarter_turns))
        for candidate in _candidates(turned):
            offset = candidate.column / turned.shape[1]
            if _has_shadow(turned, candidate) and _is_straight(turned_fine, candidate, offset):
                blades.append(Blade(quarter_turns, offset, candidate.slope))
                break
    return blades


def _sheared(image: NDArray[np.float32], slope: float, outside: float | None) -> NDArray[np.float32]:
    """The image sheared so that a line of that slope becomes a column; ``outside`` fills, None repeats the border."""
    import cv2

    rows, columns = image.shape
    matrix = np.array([[1.0, slope, -slope * (rows - 1) / 2], [0.0, 1.0, 0.0]], dtype=np.float32)
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (columns, rows), flags=flags, borderMode=border, borderValue=outside or 0.0)


def _candidates(image: NDArray[np.float32], keep: int = 6) -> list[_Candidate]:
    """Lines near the left side across which the brightness steps, best first."""
    coarse = _distinct([c for angle in ANGLES_DEG for c in _candidates_at(image, angle)])[:keep]
    finer = {c.angle_deg + step for c in coarse for step in FINER_DEG}
    return _distinct([c for angle in finer for c in _candidates_at(image, angle)])[:keep]


def _distinct(candidates: list[_Candidate]) -> list[_Candidate]:
    """Best first, of nearly the same lines the best."""
    distinct: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda candidate: -candidate.score):
        if all(abs(candidate.column - other.column) > 3 or candidate.sign != other.sign for other in distinct):
            distinct.append(candidate)
    return distinct


def _candidates_at(image: NDArray[np.float32], angle_deg: float) -> Iterator[_Candidate]:
    rows, columns = image.shape
    sheared = _sheared(image, float(np.tan(np.deg2rad(angle_deg))), outside=-1000.0)
    sums = np.cumsum(np.pad(sheared.astype(np.float64), ((0, 0), (1, 0))), axis=1)
    edges = np.arange(5, int(DEEPEST * columns))
    behind = (sums[:, edges - 1] - sums[:, edges - 4]) / 3
    field = (sums[:, edges + 4] - sums[:, edges + 1]) / 3
    # Where open beam or black lies on both sides of the edge, nothing can be seen of it.
    darkest, brightest = np.minimum(behind, field), np.maximum(behind, field)
    unseen = (brightest - darkest < SAME_LEVEL) & ((darkest < SAME_LEVEL) | (brightest > 1 - SAME_LEVEL))
    judged = (behind > -1) & (field > -1) & ~unseen
    count = np.maximum(judged.sum(axis=0), 1)
    step = np.where(judged, field - behind, 0.0)
    for sign in (1, -1):
        hit_fraction = (sign * step > SMALLEST_STEP).sum(axis=0) / count
        strength = np.clip(sign * step, -0.1, 0.3).sum(axis=0) / count
        score = np.where(count >= 0.3 * rows, hit_fraction * strength * np.sqrt(count / rows), 0.0)
        for index in np.argsort(score)[::-1][:3]:
            if hit_fraction[index] >= 0.7 and strength[index] > SMALLEST_STEP:
                yield _Candidate(float(score[index]), angle_deg, int(edges[index]), sign, float(strength[index]))


def _has_shadow(image: NDArray[np.float32], candidate: _Candidate) -> bool:
    """Whether nothing is seen behind the edge, or the edge is strong and near enough to the side to hide anatomy."""
    depth = candidate.column / image.shape[1]
    strong = candidate.strength > STRONG_STEP and depth < DEEPEST_WITH_ANATOMY
    if strong and (depth < DEEPEST_WITH_CLEAR_ANATOMY or candidate.strength > VERY_STRONG_STEP):
        return True
    shadow = _sheared(image, candidate.slope, outside=-1000.0)[:, : candidate.column - 1]
    shadow = np.where(shadow > -1, shadow, np.nan)[:, (shadow > -1).any(axis=0)]
    if shadow.size == 0:
        return False
    visible = float(np.nanpercentile(np.abs(shadow - np.nanmedian(shadow, axis=0)), 85))
    return visible < (FAINT if strong else FEATURELESS)


def _is_straight(image: NDArray[np.float32], candidate: _Candidate, offset: float) -> bool:
    """Whether the step's position, row by row, follows one line over most of the image."""
    import cv2

    rows, columns = image.shape
    sheared = cv2.GaussianBlur(_sheared(image, candidate.slope, outside=None), (0, 0), 1.0)
    centre = round(offset * columns)
    first = max(0, centre - 10)
    gradient = candidate.sign * np.diff(sheared[:, first : centre + 11], axis=1)
    seen = np.flatnonzero(gradient.max(axis=1) > 0.03)
    if len(seen) < 0.3 * rows:
        return False
    position = gradient.argmax(axis=1)[seen].astype(float)
    kept = np.ones(len(seen), dtype=bool)
    for _ in range(6):
        line = np.polyfit(seen[kept], position[kept], 1)
        distance = np.abs(position - np.polyval(line, seen))
        kept = distance <= max(STRAIGHT_TOLERANCE_PX, 2 * float(np.median(distance)))
    on_line = np.count_nonzero(distance <= STRAIGHT_TOLERANCE_PX)
    return on_line >= STRAIGHT_OF_SEEN * len(seen) and on_line >= STRAIGHT_OF_IMAGE * rows
