"""The inside of the trunk's wall, as distances from an axis in front of the spine: what slides when one breathes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

DIRECTIONS = 120
LEAST_WALL_MM, THICKEST_WALL_MM = 14.0, 60.0
SMOOTH_MM, USUAL_RADIUS_MM = 16.0, 110.0
SLIDING_MM = 9.0
ORGAN_MARGIN_MM, LUNG_MARGIN_MM = 11.0, 9.0
"""From organ and lung to the wall, so that sliding begins beyond their surface."""
SPINE_HALF_WIDTH_MM = 22.0
LEAST_RADIUS_MM = 30.0
AXIS_IN_FRONT_MM = 40.0
"""From the spine's front to the axis: inside the chest up to its upper opening, and in sight of the lungs beside the
spine."""


@dataclass(frozen=True)
class Cavity:
    """On a grid (k, j, i): ``share`` is 1 in the cavity, 0 in the wall, and falls between over SLIDING_MM;
    ``radius_mm`` leads from the axis through each voxel to where the share is 0; the axis crosses the slices at
    ``axis_i``, ``axis_j`` (k,)."""

    share: NDArray[np.float32]
    radius_mm: NDArray[np.float32]
    axis_i: float
    axis_j: Array


def cavity_of(
    body: Mask,
    lung: Mask,
    organ: Mask,
    spine_i: float,
    spine_j: Array,
    spacing_mm: float,
    smooth_mm: float = SMOOTH_MM,
) -> Cavity:
    """Measure the wall's thickness where lung or organ touch it, and continue it to where neither does.

    Parameters
    ----------
    body, lung, organ : masks on a grid of cubic voxels along R, A, S.
    spine_i, spine_j : where the front of the spine crosses the slices, ``spine_j`` by slice (k,).
    smooth_mm : over which length along S, and over which arc, the wall is smoothed.
    """
    axis_j = spine_j + AXIS_IN_FRONT_MM / spacing_mm
    x = (np.arange(body.shape[2]) - spine_i)[None, None] * spacing_mm
    y = (np.arange(body.shape[1])[None, :, None] - axis_j[:, None, None]) * spacing_mm
    distance = np.hypot(x, y)
    turn = np.arctan2(y, x) / (2 * np.pi) * DIRECTIONS % DIRECTIONS
    radius = _wall_radius(body, lung, organ, distance, turn, spacing_mm, smooth_mm)
    low, k = np.floor(turn).astype(int) % DIRECTIONS, np.arange(len(body))[:, None, None]
    between = turn - np.floor(turn)
    at_voxel = radius[k, low] * (1 - between) + radius[k, (low + 1) % DIRECTIONS] * between
    # Functions of direction and distance / radius alone stay the same along the lines on which things slide.
    usual = radius.mean(axis=0)[low] * (1 - between) + radius.mean(axis=0)[(low + 1) % DIRECTIONS] * between
    share = _step((1 - distance / at_voxel) * usual / SLIDING_MM)
    aside, behind = np.maximum(np.abs(x) - SPINE_HALF_WIDTH_MM, 0), np.maximum(y + AXIS_IN_FRONT_MM, 0)
    share = share * _step(np.hypot(aside, behind) / SLIDING_MM)
    return Cavity(share.astype(np.float32), at_voxel.astype(np.float32), spine_i, axis_j)


def _step(x: Array) -> Array:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _wall_radius(
    body: Mask, lung: Mask, organ: Mask, distance: Array, turn: Array, spacing_mm: float, smooth_mm: float
) -> Array:
    """(k, DIRECTIONS), smooth: as far as lung and organ reach, continued from there, and inside the skin."""
    skin, of_lung, of_organ = (_reach(mask, distance, turn) for mask in (body, lung, organ))
    content = np.maximum(of_lung + LUNG_MARGIN_MM, of_organ + ORGAN_MARGIN_MM)
    touches = (of_lung + of_organ > 0) & (skin - content < THICKEST_WALL_MM)
    near = smooth_mm / spacing_mm, smooth_mm / USUAL_RADIUS_MM / (2 * np.pi) * DIRECTIONS
    inner = _smooth(skin, near) - LEAST_WALL_MM
    radius, weight = 1e-6 * np.minimum(inner, USUAL_RADIUS_MM), 1e-6
    for reach, trust in ((1, 1.0), (3, 0.03), (9, 0.001)):
        sigmas = reach * near[0], min(reach, 3) * near[1]
        radius = radius + trust * _smooth(np.where(touches, content, 0.0), sigmas)
        weight = weight + trust * _smooth(touches, sigmas)
    radius = np.minimum(radius / weight, np.maximum(inner, LEAST_RADIUS_MM))
    for _ in range(6):
        missing = np.where(of_organ > 0, np.maximum(of_organ + ORGAN_MARGIN_MM - radius, 0), 0)
        radius += 1.5 * _smooth(missing, near)
    return radius


def _smooth(values: NDArray, sigmas: tuple[float, float]) -> Array:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.asarray(values, float), sigmas, mode=("nearest", "wrap"))


def _reach(mask: Mask, distance: Array, turn: Array) -> Array:
    """Largest distance from the axis in every slice and direction (k, DIRECTIONS), 0 where there is none."""
    direction = np.rint(turn).astype(int) % DIRECTIONS
    reach = np.zeros((len(mask), DIRECTIONS))
    for k, plane in enumerate(mask):
        np.maximum.at(reach[k], direction[k][plane], distance[k][plane])
    return reach
