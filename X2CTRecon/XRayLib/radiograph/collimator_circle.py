"""Round fields: the circular shutter of a C-arm or the rim of an image intensifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.reduced_copy import reduced_copy

SEARCH_SIZE_PX = 384
RAYS = 240
SMALLEST_STEP = 0.08
FAINT_STEP = 0.02
"""Where no rim is found with the one above: the corners are blanked, and the field is dark at its rim."""
TOLERANCE = 0.02
"""Distance from the circle, of its radius, within which an edge point counts; intensifier rims are not quite round."""
SMALLEST_FRACTION_ON_CIRCLE = 0.7
SMALLEST_ARC = 0.35
"""Fraction of all directions in which the rim must be seen (a circle wider than the image shows only its corners)."""
FLAT_CORNER = 0.05
SMALLEST_RADIUS = 0.38
"""Of the shorter side: a round thing smaller than that is a head or a phantom in air, not the field."""
SHARP_RIM = 0.42
"""Part of the change from outside to the middle that happens within six pixels of the rim: 0.55 and more at rims, 0.3
at a sphere's outline."""
SHARP_FIRST_STEP = 0.8
"""Or part of the change to nine pixels inside that happens within three: a dark rim of a bright middle has 0.82 and
more, spheres' outlines in any tone at most 0.73."""
SMALLEST_IMAGE_PX = 96
BROADEST_STROKE = 0.024
"""Of the shorter side: strokes of burned-in text and lead letters are thinner."""


@dataclass(frozen=True)
class RoundField:
    """A disc on the image: centre (column, row) and radius as fractions of the longer side.

    ``rim`` is the measured radius in ``RAYS`` directions, from that of increasing column toward increasing row.
    """

    centre: tuple[float, float]
    radius: float
    rim: NDArray[np.float64]

    def outside(self, shape: tuple[int, int], margin: float = 0.03) -> NDArray[np.bool_]:
        """(rows, columns) bool, True outside the rim; ``margin`` of the radius covers its penumbra."""
        long_side = max(shape)
        row, column = np.ogrid[: shape[0], : shape[1]]
        across, down = column / long_side - self.centre[0], row / long_side - self.centre[1]
        direction = np.round(np.arctan2(down, across) * (RAYS / (2 * np.pi))).astype(int) % RAYS
        return across**2 + down**2 > (self.rim[direction] - margin * self.radius) ** 2


def find_round_field(image: NDArray[np.generic]) -> RoundField | None:
    """The disc outside which the detector was not exposed, None when the field is not round.

    The corners must be flat and alike, but for what is written there. From each direction the first step inward from
    the border is taken as the rim; a circle is fitted to these points by least squares, dropping outliers.
    """
    small = reduced_copy(image, SEARCH_SIZE_PX)
    if min(small.shape) < SMALLEST_IMAGE_PX:
        return None
    plain = _without_strokes(small)
    attempts = ((small, SMALLEST_STEP), (plain, SMALLEST_STEP), (plain, FAINT_STEP))
    return next((found for image, step in attempts if (found := _round_field(image, step))), None)


def _round_field(small: NDArray[np.float32], smallest_step: float) -> RoundField | None:
    if not _corners_alike(small):
        return None
    points = _rim_points(small, smallest_step)
    if len(points) < SMALLEST_ARC * RAYS:
        return None
    centre, radius, on_circle = _fit_circle(points)
    long_side = max(small.shape)
    if (
        on_circle.mean() < SMALLEST_FRACTION_ON_CIRCLE
        or on_circle.sum() < SMALLEST_ARC * RAYS
        or not SMALLEST_RADIUS * min(small.shape) < radius < 0.72 * long_side
        or not _is_sharp(small, points[on_circle], centre)
    ):
        return None
    rim = _measured_rim(points - centre, radius) / long_side
    return RoundField((float(centre[0]) / long_side, float(centre[1]) / long_side), radius / long_side, rim)


def _without_strokes(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image without thin bright things where its border is dark, and the other way round: consoles write there."""
    import cv2

    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    dark = float(np.median(border)) < float(np.median(image))
    kernel = np.ones((round(BROADEST_STROKE * min(image.shape)),) * 2, np.uint8)
    return cv2.morphologyEx(image, cv2.MORPH_OPEN if dark else cv2.MORPH_CLOSE, kernel)


def _corners_alike(image: NDArray[np.float32]) -> bool:
    size = max(3, round(0.04 * min(image.shape)))
    corners = np.stack(
        [image[:size, :size], image[:size, -size:], image[-size:, :size], image[-size:, -size:]]
    ).reshape(4, -1)
    return bool(np.ptp(np.median(corners, axis=1)) < FLAT_CORNER and (corners.std(axis=1) < FLAT_CORNER).all())


def _rim_points(image: NDArray[np.float32], smallest_step: float) -> NDArray[np.float64]:
    """(N, 2) (column, row) of the outermost step along rays from the image's middle; border crossings are left out."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    rows, columns = image.shape
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
    smooth = gaussian_filter(image, 1.0)
    corner_level = float(np.median(smooth[:4, :4]))
    points = []
    for angle in np.linspace(0, 2 * np.pi, RAYS, endpoint=False):
        direction = np.array([np.cos(angle), np.sin(angle)])
        reach = float(np.min(middle / np.maximum(np.abs(direction), 1e-9)))
        distances = np.arange(reach, 0.15 * min(image.shape), -1.0)
        ray = middle[:, None] + direction[:, None] * distances
        values = map_coordinates(smooth, ray[::-1], order=1, mode="nearest")
        inside = np.flatnonzero(np.abs(values - corner_level) > smallest_step)
        if len(inside) and inside[0] > 1:
            steepest = inside[0] - 1 + int(np.argmax(np.abs(np.diff(values[inside[0] - 1 : inside[0] + 9]))))
            points.append(middle + direction * distances[steepest])
    return np.array(points).reshape(-1, 2)


def _is_sharp(image: NDArray[np.float32], points: NDArray[np.float64], centre: NDArray[np.float64]) -> bool:
    """Whether the brightness steps at the rim instead of rising from it, against the middle or the first pixels."""
    from scipy.ndimage import map_coordinates

    outward = (points - centre) / np.hypot(*(points - centre).T)[:, None]

    def levels(inward_px: float) -> NDArray[np.float64]:
        return map_coordinates(image, (points - inward_px * outward).T[::-1], order=1, mode="nearest")

    def step(inward_px: float, outside: float) -> float:
        return float(np.median(np.abs(levels(inward_px) - outside)))

    outside = float(np.median(levels(-2)))
    to_middle = abs(_middle_level(image, centre, points) - outside)
    if abs(float(np.median(levels(4))) - outside) >= SHARP_RIM * max(to_middle, 1e-6):
        return True
    blank = float(np.median(levels(-3)))
    return step(3, blank) >= SHARP_FIRST_STEP * max(step(9, blank), 1e-6)


def _middle_level(image: NDArray[np.float32], centre: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """Median inside 0.6 of the radius."""
    row, column = np.ogrid[: image.shape[0], : image.shape[1]]
    radius = float(np.median(np.hypot(*(points - centre).T)))
    return float(np.median(image[(column - centre[0]) ** 2 + (row - centre[1]) ** 2 < (0.6 * radius) ** 2]))


def _measured_rim(from_centre: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """(RAYS,) radius in each direction: the innermost of nearby rim points within 6 % of the circle, interpolated over
    directions where the rim leaves the image."""
    distance = np.hypot(*from_centre.T)
    near = np.abs(distance - radius) < 0.06 * radius
    direction = np.round(np.arctan2(from_centre[near, 1], from_centre[near, 0]) * (RAYS / (2 * np.pi))).astype(int)
    rim = np.full(RAYS, np.inf)
    for neighbour in (-1, 0, 1):
        np.minimum.at(rim, (direction + neighbour) % RAYS, distance[near])
    seen = np.flatnonzero(np.isfinite(rim))
    return np.interp(np.arange(RAYS), seen, rim[seen], period=RAYS)


def _fit_circle(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.bool_]]:
    """Centre, radius and which points lie on the circle (algebraic fit of Kasa, 1976, with outliers dropped)."""
    kept = np.ones(len(points), dtype=bool)
    for _ in range(8):
        chosen = points[kept]
        equations = np.column_stack([2 * chosen, np.ones(len(chosen))])
        solution = np.linalg.lstsq(equations, (chosen**2).sum(axis=1), rcond=None)[0]
        radius = float(np.sqrt(max(solution[2] + solution[0] ** 2 + solution[1] ** 2, 1e-9)))
        distance = np.abs(np.hypot(*(points - solution[:2]).T) - radius)
        kept = distance <= max(TOLERANCE * radius, float(np.quantile(distance, 0.5)))
    return solution[:2], radius, distance <= TOLERANCE * radius
