"""Which way the patient faces on a lateral chest film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph.frontal_symmetry import cropped_to_field
from XRayLib.radiograph.radiograph import Radiograph
from XRayLib.radiograph.reduced_copy import reduced_copy

SEARCH_SIZE_PX = 256
BODY_LEVEL = 0.12
LUNG_PERCENTILE = 45
"""The lungs are looked for among the darkest 45 % of the body's inside."""
TYPICAL_DIAPHRAGM, TYPICAL_TEXTURE, TYPICAL_TILT = 0.4, 0.5, 0.3
"""Sizes of the three cues, measured on films and on DRRs of chest CTs."""

SURE_FACING = 1.0
"""Evidence of ``facing_right`` above which a lateral film of assumed geometry is read the way it shows the patient."""


def facing_corrected(radiographs: Sequence[Radiograph]) -> tuple[tuple[Radiograph, ...], tuple[str, ...]]:
    """Lateral films of assumed geometry turned over where they plainly show the patient facing the other way.

    Returns the radiographs to use, in the given order, and a warning for each that was turned over. Measured geometry
    is never doubted.
    """
    used, warnings = [], []
    for radiograph in radiographs:
        geometry = radiograph.geometry
        if geometry.assumed and _is_lateral(geometry):
            evidence = facing_right(radiograph.line_integral, radiograph.mask)
            stated_right = geometry.column_direction[1] > 0
            if abs(evidence) > SURE_FACING and (evidence > 0) != stated_right:
                radiograph = replace(radiograph, geometry=geometry.with_axes(flip_columns=True))
                warnings.append(
                    f"The lateral film shows the patient facing image-{'right' if evidence > 0 else 'left'} although "
                    "its view name says otherwise: it was taken as a mirrored print."
                )
        used.append(radiograph)
    return tuple(used), tuple(warnings)


def _is_lateral(geometry: XRayGeometry) -> bool:
    """Whether the beam runs across the patient rather than from front to back or along."""
    return int(np.argmax(np.abs(geometry.detector_normal))) == 0


def facing_right(image: NDArray[np.generic], field: NDArray[np.bool_] | None = None) -> float:
    """Evidence, about -3 to 3, that the patient faces image-right (> 0) or image-left (< 0) on a lateral chest.

    ``image`` (rows, columns) has bone bright. Three cues: the lungs reach lower behind the heart than in front of it;
    vertebrae and the posterior ribs make horizontal edges along the back; the sternum leans while the back is upright.
    """
    image_in_body, body = _body(image, field)
    if min(body.shape) < 32:
        return 0.0
    inside = _eroded(body, max(1, body.shape[1] // 16))
    if np.count_nonzero(inside) < 100:
        return 0.0
    return float(
        np.tanh(_diaphragm_slope(image_in_body, inside) / TYPICAL_DIAPHRAGM)
        + np.tanh(_texture_left_of_right(image_in_body, inside) / TYPICAL_TEXTURE)
        + np.tanh(_outline_tilt(body) / TYPICAL_TILT)
    )


def _body(image: NDArray[np.generic], field: NDArray[np.bool_] | None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The largest region denser than air, closed, with the image in its bounding box; arms and chin are cut off."""
    import cv2

    small = reduced_copy(cropped_to_field(image, field), SEARCH_SIZE_PX)
    dense = (cv2.GaussianBlur(small, (0, 0), 2.0) > BODY_LEVEL).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(dense, cv2.MORPH_OPEN, np.ones((9, 9))))
    if count < 2:
        return small, np.zeros((0, 0), dtype=bool)
    largest = (labels == 1 + int(np.argmax(boxes[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)
    body = cv2.morphologyEx(largest, cv2.MORPH_CLOSE, np.ones((25, 25))).astype(bool)
    columns, rows = np.flatnonzero(body.mean(axis=0) > 0.25), np.flatnonzero(body.mean(axis=1) > 0.15)
    if not len(columns) or not len(rows):
        return small, np.zeros((0, 0), dtype=bool)
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return small[box], body[box]


def _eroded(region: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    import cv2

    kernel = np.ones((2 * radius + 1, 2 * radius + 1))
    outside = cv2.copyMakeBorder(region.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
    return cv2.erode(outside, kernel)[radius:-radius, radius:-radius].astype(bool)


def _diaphragm_slope(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """How much higher the lung's lower border is on the image's right, in body heights per body width."""
    import cv2

    rows, columns = image.shape
    smooth = cv2.GaussianBlur(image, (0, 0), max(0.5, columns / 60))
    dark = inside & (smooth < np.percentile(smooth[inside], LUNG_PERCENTILE))
    count, labels, boxes, centres = cv2.connectedComponentsWithStats(dark.astype(np.uint8))
    if count < 2:
        return 0.0
    off_centre = np.hypot(centres[1:, 0] / columns - 0.5, centres[1:, 1] / rows - 0.45)
    lung = labels == 1 + int(np.argmax(boxes[1:, cv2.CC_STAT_AREA] * np.exp(-2 * off_centre)))
    across = np.flatnonzero(lung.any(axis=0))
    across = across[len(across) // 10 : len(across) - len(across) // 10]
    if len(across) < 8:
        return 0.0
    lowest = rows - 1 - np.argmax(lung[::-1, across], axis=0)
    return -float(np.polyfit(across / columns, lowest / rows, 1)[0])


def _texture_left_of_right(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> float:
    """Strength of fine horizontal edges in the left half minus the right half, over their mean."""
    import cv2

    rows, columns = image.shape
    fine = cv2.GaussianBlur(image, (0, 0), 1.0) - cv2.GaussianBlur(image, (0, 0), 3.0)
    edges = np.where(inside, np.abs(np.diff(fine, axis=0, prepend=0.0)), 0.0)[round(0.2 * rows) : round(0.7 * rows)]
    left, right = edges[:, : columns // 2].mean(), edges[:, columns // 2 :].mean()
    return float((left - right) / (edges.mean() + 1e-9))


def _outline_tilt(body: NDArray[np.bool_]) -> float:
    """Sum of the slopes, in columns per row, of the body's left and right outline at chest level."""
    rows, columns = body.shape
    level = np.arange(round(0.15 * rows), round(0.8 * rows))
    level = level[body[level].any(axis=1)]
    if len(level) < 8:
        return 0.0
    left = np.argmax(body[level], axis=1)
    right = columns - 1 - np.argmax(body[level, ::-1], axis=1)
    return float(np.polyfit(level, left, 1)[0] + np.polyfit(level, right, 1)[0])
