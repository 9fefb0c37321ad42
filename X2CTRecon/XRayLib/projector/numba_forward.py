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
    FACE_B,
    FACE_C,
    FAST,
    HIGH,
    HIGH_END,
    LOW,
    LOW_END,
    MISSES,
    SLOPE_B,
    SLOPE_C,
    SOURCE,
    START_B,
    START_C,
    STEP_MM,
    axis_layout,
    cell_of,
    inner_planes,
    main_axis,
    ray_direction,
)

VALUE, BY_START_B, BY_SLOPE_B, BY_START_C, BY_SLOPE_C, BY_LOW, BY_HIGH = range(7)
"""Sums of one ray: the integral in planes, and its derivatives with respect to the line's parameters."""


@njit(nogil=True, cache=True, fastmath=FAST)
def _sum_planes(volume, first, last, line, stride_a, stride_b, stride_c):
    """Sum of the bilinear samples on the planes [first, last], none of which needs an index test.

    Indices are 32-bit and unsigned where they address, which lets the compiler use vector gathers.
    """
    start_b, slope_b = np.float32(line[START_B]), np.float32(line[SLOPE_B])
    start_c, slope_c = np.float32(line[START_C]), np.float32(line[SLOPE_C])
    total = np.float32(0)
    for plane in range(first, last + 1):
        a = np.int32(plane)
        b, c = start_b + np.float32(a) * slope_b, start_c + np.float32(a) * slope_c
        ib, ic = np.int32(b), np.int32(c)
        wb, wc = b - np.float32(ib), c - np.float32(ic)
        at = np.uint32(np.int32(a * stride_a + ib * stride_b) + np.int32(ic * stride_c))
        near0, near1 = volume[at], volume[np.uint32(at + np.uint32(stride_b))]
        far0 = volume[np.uint32(at + np.uint32(stride_c))]
        far1 = volume[np.uint32(at + np.uint32(stride_b + stride_c))]
        near, far = near0 + wb * (near1 - near0), far0 + wb * (far1 - far0)
        total += near + wc * (far - near)
    return total


@njit(nogil=True, cache=True, fastmath=FAST)
def _sum_planes_with_slopes(volume, first, last, line, stride_a, stride_b, stride_c):
    """As :func:`_sum_planes`, with the sums of d/db, plane * d/db, d/dc and plane * d/dc of the samples."""
    start_b, slope_b = np.float32(line[START_B]), np.float32(line[SLOPE_B])
    start_c, slope_c = np.float32(line[START_C]), np.float32(line[SLOPE_C])
    total, by_b, by_b_plane, by_c, by_c_plane = (
        np.float32(0),
        np.float32(0),
        np.float32(0),
        np.float32(0),
        np.float32(0),
    )
    for plane in range(first, last + 1):
        a = np.int32(plane)
        b, c = start_b + np.float32(a) * slope_b, start_c + np.float32(a) * slope_c
        ib, ic = np.int32(b), np.int32(c)
        wb, wc = b - np.float32(ib), c - np.float32(ic)
        at = np.uint32(np.int32(a * stride_a + ib * stride_b) + np.int32(ic * stride_c))
        near0, near1 = volume[at], volume[np.uint32(at + np.uint32(stride_b))]
        far0 = volume[np.uint32(at + np.uint32(stride_c))]
        far1 = volume[np.uint32(at + np.uint32(stride_b + stride_c))]
        near_slope, far_slope = near1 - near0, far1 - far0
        near, far = near0 + wb * near_slope, far0 + wb * far_slope
        slope_in_b, slope_in_c = near_slope + wc * (far_slope - near_slope), far - near
        total += near + wc * slope_in_c
        by_b += slope_in_b
        by_b_plane += np.float32(a) * slope_in_b
        by_c += slope_in_c
        by_c_plane += np.float32(a) * slope_in_c
    return total, by_b, by_b_plane, by_c, by_c_plane


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_point(volume, layout, line, x, weight, weight_by_low, weight_by_high, moves_low, moves_high, sums):
    """Add one weighted trilinear sample at x, and its derivatives, to the sums of a ray.

    The weight changes by ``weight_by_low`` per unit of low (high likewise); the point itself moves along the ray with
    low or high when ``moves_low`` or ``moves_high`` is 1.
    """
    size_a, size_b, size_c, stride_a, stride_b, stride_c = layout
    ia, wa = cell_of(x, size_a)
    ib, wb = cell_of(line[START_B] + line[SLOPE_B] * x, size_b)
    ic, wc = cell_of(line[START_C] + line[SLOPE_C] * x, size_c)
    at = ia * stride_a + ib * stride_b + ic * stride_c
    value, by_a, by_b, by_c = 0.0, 0.0, 0.0, 0.0
    for da in range(2):
        ua, sa = (wa, 1.0) if da else (1.0 - wa, -1.0)
        for db in range(2):
            ub, sb = (wb, 1.0) if db else (1.0 - wb, -1.0)
            for dc in range(2):
                uc, sc = (wc, 1.0) if dc else (1.0 - wc, -1.0)
                voxel = volume[at + da * stride_a + db * stride_b + dc * stride_c]
                value += ua * ub * uc * voxel
                by_a += sa * ub * uc * voxel
                by_b += ua * sb * uc * voxel
                by_c += ua * ub * sc * voxel
    along = weight * (by_a + by_b * line[SLOPE_B] + by_c * line[SLOPE_C])
    sums[VALUE] += weight * value
    sums[BY_START_B] += weight * by_b
    sums[BY_SLOPE_B] += weight * by_b * x
    sums[BY_START_C] += weight * by_c
    sums[BY_SLOPE_C] += weight * by_c * x
    sums[BY_LOW] += weight_by_low * value + moves_low * along
    sums[BY_HIGH] += weight_by_high * value + moves_high * along


@njit(nogil=True, cache=True, fastmath=FAST)
def _add_ends(volume, layout, line, inner_first, inner_last, sums):
    """All of a ray's trapezoidal sum except the planes [inner_first, inner_last], which count with weight 1."""
    low, high = line[LOW], line[HIGH]
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        half = 0.5 * (high - low)
        _add_point(volume, layout, line, low, half, -0.5, 0.5, 1.0, 0.0, sums)
        _add_point(volume, layout, line, high, half, -0.5, 0.5, 0.0, 1.0, sums)
        return
    for plane in range(first, min(inner_first, last + 1)):
        _add_point(volume, layout, line, float(plane), 1.0, 0.0, 0.0, 0.0, 0.0, sums)
    for plane in range(max(inner_last + 1, inner_first), last + 1):
        _add_point(volume, layout, line, float(plane), 1.0, 0.0, 0.0, 0.0, 0.0, sums)
    half = 0.5 * (first - low)
    _add_point(volume, layout, line, float(first), half - 0.5, -0.5, 0.0, 0.0, 0.0, sums)
    if half > 0.0:
        _add_point(volume, layout, line, low, half, -0.5, 0.0, 1.0, 0.0, sums)
    half = 0.5 * (high - last)
    _add_point(volume, layout, line, float(last), half - 0.5, 0.0, 0.5, 0.0, 0.0, sums)
    if half > 0.0:
        _add_point(volume, layout, line, high, half, 0.0, 0.5, 0.0, 1.0, sums)


@njit(nogil=True, cache=True, fastmath=FAST)
def integrate_rows(volume, shape_kji, lines, axes, tile_columns, slab, slopes, sums):
    """Sums (rows, columns, 7) of a block of rays; all derivatives only when ``slopes``.

    Tiles of neighbouring rays advance together through slabs of planes, so that what one ray loads is still in the
    cache when the next one needs it; slabs are thin because rows of a volume of 2^n voxels share cache sets.
    """
    rows, columns = axes.shape
    inner = np.empty((rows, columns, 2), np.int32)
    largest = max(shape_kji[0], shape_kji[1], shape_kji[2])
    for row in range(rows):
        for column in range(columns):
            sums[row, column, :] = 0.0
            inner[row, column, 0], inner[row, column, 1] = 0, -1
            if axes[row, column] != MISSES:
                layout = axis_layout(axes[row, column], shape_kji)
                first, last = inner_planes(lines[row, column], layout[1], layout[2])
                inner[row, column, 0], inner[row, column, 1] = first, last
                _add_ends(volume, layout, lines[row, column], first, last, sums[row, column])
    for tile in range(0, columns, tile_columns):
        for start in range(0, largest, slab):
            for row in range(rows):
                for column in range(tile, min(tile + tile_columns, columns)):
                    first = max(inner[row, column, 0], start)
                    last = min(inner[row, column, 1], start + slab - 1)
                    if first > last:
                        continue
                    _, _, _, stride_a, stride_b, stride_c = axis_layout(axes[row, column], shape_kji)
                    line, here = lines[row, column], sums[row, column]
                    if slopes:
                        total, by_b, by_b_plane, by_c, by_c_plane = _sum_planes_with_slopes(
                            volume, first, last, line, np.int32(stride_a), np.int32(stride_b), np.int32(stride_c)
                        )
                        here[VALUE] += total
                        here[BY_START_B] += by_b
                        here[BY_SLOPE_B] += by_b_plane
                        here[BY_START_C] += by_c
                        here[BY_SLOPE_C] += by_c_plane
                    else:
                        here[VALUE] += _sum_planes(
                            volume, first, last, line, np.int32(stride_a), np.int32(stride_b), np.int32(stride_c)
                        )


@njit(nogil=True, cache=True, fastmath=FAST)
def write_image(lines, axes, sums, image):
    """Line integrals of a block of rays from their sums."""
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            missed = axes[row, column] == MISSES
            image[row, column] = 0.0 if missed else sums[row, column, VALUE] * lines[row, column, STEP_MM]


@njit(nogil=True, cache=True, fastmath=FAST)
def _end_shift(line, at, end, source_a, start_b, slope_b, start_c, slope_c):
    """How far a line's end moves when its start and slopes change as given."""
    if end == FACE_B:
        return -(start_b + at * slope_b) / line[SLOPE_B]
    if end == FACE_C:
        return -(start_c + at * slope_c) / line[SLOPE_C]
    if end == SOURCE:
        return source_a
    return 0.0


@njit(nogil=True, cache=True, fastmath=FAST)
def write_jacobian(
    source, pixel_to_ijk, pixel_to_ras, source_by_twist, ijk_by_twist, first_row, lines, axes, sums, jacobian
):
    """Derivatives (6, rows, columns) of a block of rays from ``first_row`` on, with respect to the volume's twist.

    ``source_by_twist`` (6, 3) and ``ijk_by_twist`` (6, 3, 3) are the derivatives of ``source`` and ``pixel_to_ijk``.
    """
    for row in range(axes.shape[0]):
        for column in range(axes.shape[1]):
            if axes[row, column] == MISSES:
                jacobian[:, row, column] = 0.0
                continue
            line, here = lines[row, column], sums[row, column]
            x, y, z, _ = ray_direction(pixel_to_ijk, pixel_to_ras, column, first_row + row)
            axis, along, _, _ = main_axis(x, y, z)
            b, c = 1 if axis == 0 else 0, 1 if axis == 2 else 2
            for m in range(6):
                turn = ijk_by_twist[m]
                d_along = turn[axis, 0] * column + turn[axis, 1] * (first_row + row) + turn[axis, 2]
                d_b = turn[b, 0] * column + turn[b, 1] * (first_row + row) + turn[b, 2]
                d_c = turn[c, 0] * column + turn[c, 1] * (first_row + row) + turn[c, 2]
                d_source = source_by_twist[m, axis]
                slope_b, slope_c = (d_b - line[SLOPE_B] * d_along) / along, (d_c - line[SLOPE_C] * d_along) / along
                start_b = source_by_twist[m, b] - line[SLOPE_B] * d_source - source[axis] * slope_b
                start_c = source_by_twist[m, c] - line[SLOPE_C] * d_source - source[axis] * slope_c
                low = _end_shift(line, line[LOW], line[LOW_END], d_source, start_b, slope_b, start_c, slope_c)
                high = _end_shift(line, line[HIGH], line[HIGH_END], d_source, start_b, slope_b, start_c, slope_c)
                change = here[BY_START_B] * start_b + here[BY_SLOPE_B] * slope_b
                change += here[BY_START_C] * start_c + here[BY_SLOPE_C] * slope_c
                change += here[BY_LOW] * low + here[BY_HIGH] * high - here[VALUE] * d_along / along
                jacobian[m, row, column] = change * line[STEP_MM]
