"""The two maps of which a breathing state is made, neither of which can fold.

The anatomy as it is now goes to the CT in two steps: p_ct = slide(wall(p)).

``wall`` is smooth and small: ribs that turn, the belly that gives way, a random deformation of low frequency. Its
gradient stays below 1, so it is one to one.

``slide`` moves what is in the cavity along its wall and leaves the rest where it is: along lines on which the share of
the way from the cavity's axis to its wall, and the direction, stay the same. On each such line the order of points is
kept, because the displacement's slope stays below 1; and at the wall the jump is along the wall. So it cannot fold,
however sharply the motion ends there, and lung and liver slide along the ribs as they do in the patient
(Vandemeulebroucke et al., Med Phys 39(2):1006, 2012, reach the same with a field for each side).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

LEAST_SLOPE = 0.3
"""What tissue along S is squeezed to at most."""


@njit(nogil=True, cache=True)
def sliding_mm(share, follows, radius, stretch_mm, descent_mm, quadratic, axis_i, axis_j, spacing_mm):
    """The slide's displacement (k, j, i, 3) float32 for a diaphragm that is lower now than in the CT.

    Parameters
    ----------
    share : (k, j, i) 1 in the cavity, 0 in the wall, in between where they slide past each other.
    follows : (k, j, i) how far a place of the CT goes with the diaphragm, f; it goes by f + quadratic (f - f^2).
    radius : (k, j, i) from the axis through the voxel to the wall, mm.
    descent_mm : (j,) how much lower the diaphragm is, by row.
    stretch_mm : (k,) how much lower a place of the CT is on top of that, times f.
    axis_i, axis_j : where the cavity's axis crosses the slices, j by slice (k,).
    """
    depth, rows, columns = follows.shape
    result = np.zeros((depth, rows, columns, 3), np.float32)
    now, in_ct = np.empty(depth), np.empty(depth)
    for j in range(rows):
        for i in range(columns):
            if not share[:, j, i].any():
                continue
            for k in range(depth):
                f = follows[k, j, i]
                lower_mm = descent_mm[j] * (f + quadratic * (f - f * f)) + stretch_mm[k] * f
                now[k] = k - lower_mm / spacing_mm
                if k > 0:
                    now[k] = max(now[k], now[k - 1] + LEAST_SLOPE)
            _invert(now, in_ct)
            for k in range(depth):
                if share[k, j, i] == 0:
                    continue
                rise = share[k, j, i] * (in_ct[k] - k)
                low, upper = _cell(k + rise, depth)
                wider = ((1 - upper) * radius[low, j, i] + upper * radius[low + 1, j, i]) / radius[k, j, i] - 1.0
                bend = (1 - upper) * axis_j[low] + upper * axis_j[low + 1] - axis_j[k]
                result[k, j, i, 0] = spacing_mm * wider * (i - axis_i)
                result[k, j, i, 1] = spacing_mm * (wider * (j - axis_j[k]) + bend)
                result[k, j, i, 2] = spacing_mm * rise
    return result


@njit(nogil=True, cache=True)
def _invert(ascending, inverse):
    """Where an ascending sequence takes the values 0, 1, 2, ...; continued beyond its ends with slope 1."""
    last = len(ascending) - 1
    n = 0
    for k in range(last + 1):
        while n < last and ascending[n + 1] <= k:
            n += 1
        if k < ascending[0]:
            inverse[k] = k - ascending[0]
        elif n == last:
            inverse[k] = last + k - ascending[last]
        else:
            inverse[k] = n + (k - ascending[n]) / (ascending[n + 1] - ascending[n])


@njit(nogil=True, cache=True)
def displacement_mm(slide, near, wall, cells_per_voxel, spacing_mm):
    """u (k, j, i, 3) float32, mm, with p + u = slide(wall(p)), on a grid of cubic voxels along R, A, S.

    ``slide`` (k, j, i, 3) is the displacement on that grid, 0 for all that is not ``near`` (k, j, i) the cavity;
    ``wall`` (., ., ., 3) on a coarser one with the same first voxel, of which one voxel is ``cells_per_voxel``; both in
    mm.
    """
    depth, rows, columns = slide.shape[0], slide.shape[1], slide.shape[2]
    result = np.empty((depth, rows, columns, 3), np.float32)
    line = np.empty((wall.shape[2], 3), np.float32)
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
                if not near[k, j, i]:
                    result[k, j, i, 0], result[k, j, i, 1], result[k, j, i, 2] = x, y, z
                    continue
                dx, dy, dz = _slide_at(slide, k + z / spacing_mm, j + y / spacing_mm, i + x / spacing_mm)
                result[k, j, i, 0], result[k, j, i, 1], result[k, j, i, 2] = x + dx, y + dy, z + dz
    return result


@njit(nogil=True, cache=True)
def _slide_at(slide, k, j, i):
    k0, w = _cell(k, slide.shape[0])
    j0, v = _cell(j, slide.shape[1])
    i0, u = _cell(i, slide.shape[2])
    a = _along_i(slide, k0, j0, i0, u)
    b = _along_i(slide, k0, j0 + 1, i0, u)
    c = _along_i(slide, k0 + 1, j0, i0, u)
    d = _along_i(slide, k0 + 1, j0 + 1, i0, u)
    wa, wb, wc, wd = (1 - w) * (1 - v), (1 - w) * v, w * (1 - v), w * v
    x = wa * a[0] + wb * b[0] + wc * c[0] + wd * d[0]
    y = wa * a[1] + wb * b[1] + wc * c[1] + wd * d[1]
    z = wa * a[2] + wb * b[2] + wc * c[2] + wd * d[2]
    return x, y, z


@njit(nogil=True, cache=True)
def _along_i(vectors, k, j, i, u):
    return (
        (1 - u) * vectors[k, j, i, 0] + u * vectors[k, j, i + 1, 0],
        (1 - u) * vectors[k, j, i, 1] + u * vectors[k, j, i + 1, 1],
        (1 - u) * vectors[k, j, i, 2] + u * vectors[k, j, i + 1, 2],
    )


@njit(nogil=True, cache=True)
def _cell(x, size):
    if x <= 0.0:
        return 0, 0.0
    low = min(math.floor(x), size - 2)
    return low, min(x - low, 1.0)
