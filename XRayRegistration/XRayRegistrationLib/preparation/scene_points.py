"""Where each pixel's ray enters and leaves the patient's body: the scene coordinates that a network learns.

The body's surface, not the bones': it is smooth, so every pixel's coordinates change slowly and continue those of its
neighbours, there are two for nearly every pixel, and they lie 200 to 400 mm apart along the ray, which is what fixes
the depth. Bone surfaces jump from rib to rib. Rays that pass the cut end of a scan have no entry (or exit) there: on a
real film the patient goes on.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.tissues import BODY_ABOVE_HU

Array = NDArray[np.float32]

STEP_VOXELS = 0.7


def scene_points(surface: Volume, geometry: XRayGeometry, stride: int = 1) -> tuple[Array, NDArray[np.bool_]]:
    """Entry and exit points of the rays through every ``stride``-th block of pixels.

    Parameters
    ----------
    surface : Volume
        HU inside the body, air outside.
    geometry : XRayGeometry
        In the CT's RAS, ``size_px`` a multiple of ``stride``.
    stride : int
        A ray through the middle of every stride x stride pixels.

    Returns
    -------
    points : (2, rows / stride, columns / stride, 3) float32
        Entry then exit, CT RAS mm; 0 where there is none.
    valid : (2, rows / stride, columns / stride) bool
    """
    columns, rows = geometry.size_px
    centres = [np.arange(0, size - stride + 1, stride) + (stride - 1) / 2 for size in (columns, rows)]
    grid = np.stack([*np.meshgrid(*centres), np.ones((len(centres[1]), len(centres[0])))], axis=-1)
    directions = grid @ np.linalg.inv(geometry.ras_to_pixel[:, :3]).T
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    to_ijk = np.linalg.inv(surface.ijk_to_ras)
    source = geometry.source_ras_mm
    source_ijk = to_ijk[:3, :3] @ source + to_ijk[:3, 3]
    distances = np.full((2, *directions.shape[:2]), np.nan)
    _march(surface.voxels, source_ijk, directions @ to_ijk[:3, :3].T, np.float32(BODY_ABOVE_HU), distances)
    valid = np.isfinite(distances)
    points = source + np.where(valid, distances, 0)[..., None] * directions
    return np.where(valid[..., None], points, 0).astype(np.float32), valid


@njit(nogil=True, cache=True)
def _march(voxels, source, directions, level, distances):  # numba infers the types
    """Distances (mm) from the source to the first and the last crossing of ``level``; NaN where there is none."""
    for row in range(directions.shape[0]):
        for column in range(directions.shape[1]):
            direction = directions[row, column]
            near, far = _box(voxels.shape, source, direction)
            if near >= far:
                continue
            step = STEP_VOXELS / math.sqrt(direction[0] ** 2 + direction[1] ** 2 + direction[2] ** 2)
            distances[0, row, column] = _first_crossing(voxels, source, direction, near, far, step, level)
            distances[1, row, column] = _first_crossing(voxels, source, direction, far, near, -step, level)


@njit(nogil=True, cache=True)
def _box(shape, source, direction):
    """Distances at which the ray enters and leaves the box of voxel centres; near >= far when it misses."""
    near, far = 0.0, np.inf
    for axis in range(3):
        last = shape[2 - axis] - 1.0
        if abs(direction[axis]) < 1e-12:
            if source[axis] < 0 or source[axis] > last:
                return 1.0, 0.0
            continue
        one, other = -source[axis] / direction[axis], (last - source[axis]) / direction[axis]
        near, far = max(near, min(one, other)), min(far, max(one, other))
    return near, far


@njit(nogil=True, cache=True)
def _first_crossing(voxels, source, direction, start, end, step, level):
    """Distance of the first rise above ``level`` from ``start`` on; NaN for none, or when it begins above it."""
    before = _sample(voxels, source, direction, start)
    if before > level:
        return np.nan
    for n in range(1, int(abs((end - start) / step)) + 1):
        here = start + n * step
        value = _sample(voxels, source, direction, here)
        if value > level:
            return here - step * (value - level) / (value - before)
        before = value
    return np.nan


@njit(nogil=True, cache=True)
def _sample(voxels, source, direction, distance):
    """Trilinear value at a distance along the ray, clamped to the box."""
    i, u = _split(source[0] + distance * direction[0], voxels.shape[2])
    j, v = _split(source[1] + distance * direction[1], voxels.shape[1])
    k, w = _split(source[2] + distance * direction[2], voxels.shape[0])
    total = 0.0
    for dk in range(2):
        for dj in range(2):
            weight = (w if dk else 1 - w) * (v if dj else 1 - v)
            total += weight * ((1 - u) * voxels[k + dk, j + dj, i] + u * voxels[k + dk, j + dj, i + 1])
    return total


@njit(nogil=True, cache=True)
def _split(x, size):
    low = min(max(int(x), 0), size - 2)
    return low, min(max(x - low, 0.0), 1.0)
