"""The two maps of which a breathing state is made, neither of which can fold.

The anatomy as it is now goes to the CT in two steps: p_ct = slide(wall(p)).

``wall`` is smooth and small: ribs that turn, the belly that gives way, a random deformation of low frequency. Its
gradient stays below 1, so it is one to one.

``slide`` moves what is in the cavity along S by h(p), nothing else, and is 0 at the wall. Such a map keeps every line
along S, and with |dh/ds| < 1 the order on it: it cannot fold, however sharply h changes from the cavity to the wall
beside it. So lung and liver slide along the ribs, as they do (Vandemeulebroucke et al., Med Phys 39(2):1006, 2012, keep
the same discontinuity with separate fields).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

STEEPEST = 0.7
"""Largest |dh/ds|: the most that tissue is squeezed or stretched along S where it slides towards a wall."""


@njit(nogil=True, cache=True)
def sliding_mm(cavity, follows, descent_mm, quadratic, by_row, spacing_mm):  # numba infers the types
    """h (k, j, i) float32 for a diaphragm that is ``descent_mm`` lower now than in the CT.

    What follows the diaphragm goes with it by f + quadratic * (f - f^2), times ``by_row`` (j); then every column along
    S is the largest function below that which is 0 outside the cavity and no steeper than STEEPEST.
    """
    depth, rows, columns = follows.shape
    result = np.zeros((depth, rows, columns), np.float32)
    wanted, sign = abs(descent_mm), 1.0 if descent_mm > 0 else -1.0
    rise = STEEPEST * spacing_mm
    for j in range(rows):
        for i in range(columns):
            below = math.inf
            for k in range(depth):
                if not cavity[k, j, i]:
                    below = 0.0
                    continue
                f = follows[k, j, i]
                below = min(wanted * by_row[j] * (f + quadratic * (f - f * f)), below + rise)
                result[k, j, i] = below
            above = math.inf
            for k in range(depth - 1, -1, -1):
                above = min(result[k, j, i], above + rise)
                result[k, j, i] = sign * above
    return result


@njit(nogil=True, cache=True)
def displacement_mm(slide, wall, cells_per_voxel, spacing_mm):
    """u (k, j, i, 3) float32, mm, with p + u = slide(wall(p)), on a grid of cubic voxels along R, A, S.

    ``slide`` (k, j, i) is h on that grid, ``wall`` (., ., ., 3) on a coarser one with the same first voxel, of which
    one voxel is ``cells_per_voxel``; both in mm.
    """
    depth, rows, columns = slide.shape
    result = np.empty((depth, rows, columns, 3), np.float32)
    line = np.empty((wall.shape[2], 3))
    for k in range(depth):
        k0, w = _cell(k * cells_per_voxel, wall.shape[0])
        for j in range(rows):
            j0, v = _cell(j * cells_per_voxel, wall.shape[1])
            for n in range(wall.shape[2]):
                for c in range(3):
                    low = (1 - v) * wall[k0, j0, n, c] + v * wall[k0, j0 + 1, n, c]
                    high = (1 - v) * wall[k0 + 1, j0, n, c] + v * wall[k0 + 1, j0 + 1, n, c]
                    line[n, c] = (1 - w) * low + w * high
            for i in range(columns):
                i0, u = _cell(i * cells_per_voxel, wall.shape[2])
                x = (1 - u) * line[i0, 0] + u * line[i0 + 1, 0]
                y = (1 - u) * line[i0, 1] + u * line[i0 + 1, 1]
                z = (1 - u) * line[i0, 2] + u * line[i0 + 1, 2]
                result[k, j, i, 0], result[k, j, i, 1] = x, y
                result[k, j, i, 2] = z + _between(slide, k + z / spacing_mm, j + y / spacing_mm, i + x / spacing_mm)
    return result


@njit(nogil=True, cache=True)
def _cell(x, size):
    if x <= 0.0:
        return 0, 0.0
    low = min(int(x), size - 2)
    return low, min(x - low, 1.0)


@njit(nogil=True, cache=True)
def _between(values, k, j, i):
    k0, w = _cell(k, values.shape[0])
    j0, v = _cell(j, values.shape[1])
    i0, u = _cell(i, values.shape[2])
    low = (1 - v) * ((1 - u) * values[k0, j0, i0] + u * values[k0, j0, i0 + 1])
    low += v * ((1 - u) * values[k0, j0 + 1, i0] + u * values[k0, j0 + 1, i0 + 1])
    high = (1 - v) * ((1 - u) * values[k0 + 1, j0, i0] + u * values[k0 + 1, j0, i0 + 1])
    high += v * ((1 - u) * values[k0 + 1, j0 + 1, i0] + u * values[k0 + 1, j0 + 1, i0 + 1])
    return (1 - w) * low + w * high
