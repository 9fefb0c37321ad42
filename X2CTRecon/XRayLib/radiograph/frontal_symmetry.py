"""What marks a frontal view of the trunk: symmetry about a ridge, the spine and mediastinum between the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.reduced_copy import averaged_down

GRID = 48
"""The image is judged on GRID x GRID cells of equalised brightness: no display curve changes the judgement."""
LARGEST_SHIFT = 14
SHIFT_PENALTY = 0.1


@dataclass(frozen=True)
class FrontalSymmetry:
    """``correlation`` of the image with its mirror image, -1..1; ``ridge``: brightness of a central column minus that
    beside it, in ranks -1..1: about 0.5 on a PA chest with bone bright, -0.5 with bone dark, about 0 on a lateral."""

    correlation: float
    ridge: float


def frontal_symmetry(image: NDArray[np.generic], field: NDArray[np.bool_] | None = None) -> FrontalSymmetry:
    """Judge the part of a (rows, columns) image inside its exposed ``field``."""
    ranks = _equalised(cropped_to_field(image, field))
    best, axis = -np.inf, GRID / 2
    for shift in range(-LARGEST_SHIFT, LARGEST_SHIFT + 1):
        first, width = max(shift, 0), GRID - abs(shift)
        part = ranks[GRID // 12 : -GRID // 12, first : first + width]
        # Without each row's mean, brightness that changes from head to feet does not count as symmetry.
        part = part - part.mean(axis=1, keepdims=True)
        norm = float((part**2).sum())
        correlation = float((part * part[:, ::-1]).sum()) / norm if norm > 0 else 0.0
        score = correlation - SHIFT_PENALTY * abs(shift) / LARGEST_SHIFT
        if score > best:
            best, axis = score, first + width / 2
    return FrontalSymmetry(best, _ridge(ranks, axis))


def cropped_to_field(image: NDArray[np.generic], field: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """The field's bounding box, what lies outside the field replaced by the field's median."""
    if field is None or not field.any():
        return np.asarray(image, dtype=np.float32)
    rows, columns = np.flatnonzero(field.any(axis=1)), np.flatnonzero(field.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    part = np.array(image[box], dtype=np.float32)
    inside = part[field[box]]
    part[~field[box]] = np.median(inside[:: max(1, inside.size // 100_000)])
    return part


def _equalised(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """(GRID, GRID) rank of each cell's brightness, 0..1."""
    import cv2

    cells = cv2.resize(averaged_down(image, 256), (GRID, GRID), interpolation=cv2.INTER_AREA)
    ranks = np.argsort(np.argsort(cells.ravel(), kind="stable"), kind="stable")
    return ranks.reshape(GRID, GRID) / (GRID * GRID - 1)


def _ridge(ranks: NDArray[np.float64], axis: float) -> float:
    profile = ranks[10:36].mean(axis=0)

    def mean(first: float, last: float) -> float:
        part = profile[max(0, round(axis + first)) : max(0, round(axis + last))]
        return float(part.mean()) if len(part) else float("nan")

    beside = [value for value in (mean(-13, -6), mean(6, 13)) if np.isfinite(value)]
    return mean(-2.5, 2.5) - float(np.mean(beside)) if beside else 0.0
