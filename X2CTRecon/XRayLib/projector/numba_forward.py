"""Forward projection on the CPU: Joseph's ray integrals and their derivatives with respect to the ray.

P. M. Joseph, "An improved algorithm for reprojecting rays through pixel images", IEEE TMI 1(3):192-196, 1982. The ray
is sampled where it crosses the voxel planes of the axis it runs along most, bilinearly in the plane; the trapezoidal
rule over those points and over the ray's own two ends gives the integral, which is continuous in the pose.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from XRayLib.projector.numba_lines import (
    FAST,
    HIGH,
    INNER_FIRST,
    INNER_LAST,
    LOW,
    MISSES,
    SLOPE_B,
    SLOPE_C,
    START_B,
    START_C,
    STEP_MM,
    axis_layout,
    cell_of,
)
from XRayLib.projector.numba_sampling import sum_across_rows, sum_along_rows

VALUE, BY_START_B, BY_SLOPE_B, BY_START_C, BY_SLOPE_C, BY_LOW, BY_HIGH = range(7)
"""Sums of one ray: the integral in planes, and its derivatives with respect to the line's parameters."""


@njit(nogil=True, cache=True, fastmath=FAST)
def _bilinear(volume, at, wb, wc, stride_b, stride_c):
    """Value at the fractions (wb, wc) of a cell of a plane, and its slopes along b and c."""
    near0, near1 = volume[at], volume[at + stride_b]
    far0, far1 = volume[at + stride_c], volume[at + stride_b + stride_c]
    near_slope, far_slope = near1 - near0, far1 - far0
    near, far = near0 + wb * near_slope, far0 + wb * far_slope
    return near + wc * (far - near), near_slope + wc * (far_slope - near_slope), far - near


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_plane(volume, layout, line, plane, weight, weight_by_low, weight_by_high, slopes, sums):
    """Add the sample on one plane, near the volume's faces, with a weight that changes with low and high as given."""
    _, size_b, size_c, stride_a, stride_b, stride_c = layout
    ib, wb = cell_of(line[START_B] + line[SLOPE_B] * plane, size_b)
    ic, wc = cell_of(line[START_C] + line[SLOPE_C] * plane, size_c)
    value, by_b, by_c = _bilinear(volume, plane * stride_a + ib * stride_b + ic * stride_c, wb, wc, stride_b, stride_c)
    sums[VALUE] += weight * value
    if slopes:
        _add_slopes(weight, plane, by_b, by_c, sums)
        sums[BY_LOW] += weight_by_low * value
        sums[BY_HIGH] += weight_by_high * value


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_end(volume, layout, line, x, weight, weight_by_low, weight_by_high, moves, slopes, sums):
    """Add the trilinear sample at one end of a ray; ``moves`` is BY_LOW or BY_HIGH, the end that it moves with."""
    size_a, size_b, size_c, stride_a, stride_b, stride_c = layout
    ia, wa = cell_of(x, size_a)
    ib, wb = cell_of(line[START_B] + line[SLOPE_B] * x, size_b)
    ic, wc = cell_of(line[START_C] + line[SLOPE_C] * x, size_c)
    at = ia * stride_a + ib * stride_b + ic * stride_c
    value0, by_b0, by_c0 = _bilinear(volume, at, wb, wc, stride_b, stride_c)
    value1, by_b1, by_c1 = _bilinear(volume, at + stride_a, wb, wc, stride_b, stride_c)
    value = value0 + wa * (value1 - value0)
    sums[VALUE] += weight * value
    if slopes:
        by_b, by_c = by_b0 + wa * (by_b1 - by_b0), by_c0 + wa * (by_c1 - by_c0)
        _add_slopes(weight, x, by_b, by_c, sums)
        sums[BY_LOW] += weight_by_low * value
        sums[BY_HIGH] += weight_by_high * value
        sums[moves] += weight * (value1 - value0 + by_b * line[SLOPE_B] + by_c * line[SLOPE_C])


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_slopes(weight, x, by_b, by_c, sums):
    sums[BY_START_B] += weight * by_b
    sums[BY_SLOPE_B] += weight * by_b * x
    sums[BY_START_C] += weight * by_c
    sums[BY_SLOPE_C] += weight * by_c * x


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_low_end(volume, layout, line, slopes, sums):
    """The trapezoidal sum's part below the inner planes; all of it for a ray that meets no plane."""
    low, high = line[LOW], line[HIGH]
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        half = 0.5 * (high - low)
        _add_end(volume, layout, line, low, half, -0.5, 0.5, BY_LOW, slopes, sums)
        _add_end(volume, layout, line, high, half, -0.5, 0.5, BY_HIGH, slopes, sums)
        return
    half = 0.5 * (first - low)
    if half > 0.0:
        _add_end(volume, layout, line, low, half, -0.5, 0.0, BY_LOW, slopes, sums)
    _add_plane(volume, layout, line, first, half - 0.5, -0.5, 0.0, slopes, sums)
    for plane in range(first, min(int(line[INNER_FIRST]), last + 1)):
        _add_plane(volume, layout, line, plane, 1.0, 0.0, 0.0, slopes, sums)


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_high_end(volume, layout, line, slopes, sums):
    """The trapezoidal sum's part above the inner planes."""
    high = line[HIGH]
    first, last = math.ceil(line[LOW]), math.floor(high)
    if first > last:
        return
    for plane in range(int(line[INNER_LAST]) + 1, last + 1):
        _add_plane(volume, layout, line, plane, 1.0, 0.0, 0.0, slopes, sums)
    half = 0.5 * (high - last)
    _add_plane(volume, layout, line, last, half - 0.5, 0.0, 0.5, slopes, sums)
    if half > 0.0:
        _add_end(volume, layout, line, high, half, 0.0, 0.5, BY_HIGH, slopes, sums)


@njit(nogil=True, cache=True, fastmath=FAST)
def integrate_tile(volume, shape_kji, lines, axes, slab, slopes, sums):
    """Sums (rows, columns, 7) of a tile of rays; all derivatives only when ``slopes``.

    The rays advance together through slabs of planes, so that what one ray loads is still in the cache when the next
    one needs it; slabs are thin because rows of a volume of 2^n voxels share cache sets.
    """
    rows, columns = axes.shape
    planes = np.empty((2, rows, columns), np.int32)
    positions = np.empty((4, rows, columns), np.float32)
    for axis in range(3):
        if not (axes == axis).any():
            continue
        layout = axis_layout(axis, shape_kji)
        for row in range(rows):
            for column in range(columns):
                planes[0, row, column], planes[1, row, column] = 0, -1
                if axes[row, column] == axis:
                    line, here = lines[row, column], sums[row, column]
                    planes[0, row, column], planes[1, row, column] = line[INNER_FIRST], line[INNER_LAST]
                    positions[0, row, column], positions[1, row, column] = line[START_B], line[SLOPE_B]
                    positions[2, row, column], positions[3, row, column] = line[START_C], line[SLOPE_C]
                    here[:] = 0.0
                    _add_low_end(volume, layout, line, slopes, here)
        totals = np.zeros((5, rows, columns), np.float32)
        for start in range(0, layout[0], slab):
            _integrate_slab(volume, layout, positions, planes, start, start + slab - 1, slopes, totals)
        for row in range(rows):
            for column in range(columns):
                if axes[row, column] == axis:
                    line, here = lines[row, column], sums[row, column]
                    _add_high_end(volume, layout, line, slopes, here)
                    for m in range(5):
                        here[m] += totals[m, row, column]


@njit(nogil=True, cache=True, fastmath=FAST)
def _integrate_slab(volume, layout, positions, planes, start, end, slopes, totals):
    """Add the inner planes in [start, end] of every ray of a tile."""
    _, rows, columns = planes.shape
    strides = np.int32(layout[3]), np.int32(layout[4]), np.int32(layout[5])
    for row in range(rows):
        for column in range(columns):
            first, last = max(planes[0, row, column], start), min(planes[1, row, column], end)
            if first > last:
                continue
            line = (
                positions[0, row, column],
                positions[1, row, column],
                positions[2, row, column],
                positions[3, row, column],
            )
            inside = np.int32(first), np.int32(last)
            if strides[1] == 1:
                added = sum_along_rows(volume, inside, line, strides)
            else:
                added = sum_across_rows(volume, inside, line, strides)
            for m in range(5 if slopes else 1):
                totals[m, row, column] += added[m]


@njit(nogil=True, cache=True, fastmath=FAST)
def write_image(lines, axes, sums, image):
    """Line integrals of a block of rays from their sums."""
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            missed = axes[row, column] == MISSES
            image[row, column] = 0.0 if missed else sums[row, column, VALUE] * lines[row, column, STEP_MM]
