"""Every ray as a line over the planes of the axis it runs along most, clipped to the volume."""

from __future__ import annotations

import math

from numba import njit

FAST = {"contract", "reassoc", "arcp", "nsz"}
"""Reordered sums are fine; NaN and infinity keep their meaning, so that bad voxels show up in the image."""

START_B, SLOPE_B, START_C, SLOPE_C, LOW, HIGH, STEP_MM, LOW_END, HIGH_END, INNER_FIRST, INNER_LAST = range(11)
"""Columns of a line table. With x the plane coordinate along the ray's main axis, the ray passes through
b = start_b + slope_b * x and c = start_c + slope_c * x, is inside the volume for low <= x <= high, and is step_mm long
from plane to plane. ``low_end`` and ``high_end`` say what ends it there: one of the FACE_ constants or SOURCE. On the
planes from inner_first to inner_last, if any, all four neighbours exist, so that no index needs a test."""
LINE_SIZE = 11

FACE_A, FACE_B, FACE_C, SOURCE = 0.0, 1.0, 2.0, 3.0
"""The ends of a line: the volume's faces across its main axis, across b, across c, or the source itself."""

MISSES = -1
"""Main axis of a ray that does not meet the volume."""


@njit(nogil=True, cache=True, fastmath=FAST)
def axis_layout(axis, shape_kji):
    """Sizes and strides of (main axis, b, c) in a flat (k, j, i) volume; b is the faster of the two other axes."""
    ni, nj, nk = shape_kji[2], shape_kji[1], shape_kji[0]
    if axis == 0:
        return ni, nj, nk, 1, ni, ni * nj
    if axis == 1:
        return nj, ni, nk, ni, 1, ni * nj
    return nk, ni, nj, ni * nj, 1, ni


@njit(nogil=True, cache=True, fastmath=FAST)
def ray_direction(pixel_to_ijk, pixel_to_ras, column, row):
    """Direction of a pixel's ray in voxel indices per mm of depth, and its length in mm per mm of depth."""
    x = pixel_to_ijk[0, 0] * column + pixel_to_ijk[0, 1] * row + pixel_to_ijk[0, 2]
    y = pixel_to_ijk[1, 0] * column + pixel_to_ijk[1, 1] * row + pixel_to_ijk[1, 2]
    z = pixel_to_ijk[2, 0] * column + pixel_to_ijk[2, 1] * row + pixel_to_ijk[2, 2]
    r = pixel_to_ras[0, 0] * column + pixel_to_ras[0, 1] * row + pixel_to_ras[0, 2]
    a = pixel_to_ras[1, 0] * column + pixel_to_ras[1, 1] * row + pixel_to_ras[1, 2]
    s = pixel_to_ras[2, 0] * column + pixel_to_ras[2, 1] * row + pixel_to_ras[2, 2]
    return x, y, z, math.sqrt(r * r + a * a + s * s)


@njit(nogil=True, cache=True, fastmath=FAST)
def main_axis(x, y, z):
    """The axis of the largest component, and the components (along it, along b, along c)."""
    if abs(x) >= abs(y) and abs(x) >= abs(z):
        return 0, x, y, z
    if abs(y) >= abs(z):
        return 1, y, x, z
    return 2, z, x, y


@njit(nogil=True, cache=True, fastmath=FAST)
def _clip(line, start, slope, upper, face):
    """Shorten a line to 0 <= start + slope * x <= upper; an empty line gets high < low."""
    if slope == 0.0:
        if start < 0.0 or start > upper:
            line[HIGH] = line[LOW] - 1.0
        return
    at_zero, at_upper = -start / slope, (upper - start) / slope
    low, high = min(at_zero, at_upper), max(at_zero, at_upper)
    if low > line[LOW]:
        line[LOW], line[LOW_END] = low, face
    if high < line[HIGH]:
        line[HIGH], line[HIGH_END] = high, face


@njit(nogil=True, cache=True, fastmath=FAST)
def _safe(first, last, start, slope, upper):
    """The planes of [first, last] where 0 <= start + slope * plane < upper holds beyond any rounding."""
    margin = 1e-3
    if slope > 0.0:
        return max(first, (margin - start) / slope), min(last, (upper - margin - start) / slope)
    if slope < 0.0:
        return max(first, (upper - margin - start) / slope), min(last, (margin - start) / slope)
    if margin <= start <= upper - margin:
        return first, last
    return first, first - 1.0


@njit(nogil=True, cache=True, fastmath=FAST)
def _find_inner_planes(line, size_b, size_c):
    first, last = math.ceil(line[LOW]), math.floor(line[HIGH])
    low, high = _safe(float(first), float(last), line[START_B], line[SLOPE_B], size_b - 1.0)
    low, high = _safe(low, high, line[START_C], line[SLOPE_C], size_c - 1.0)
    line[INNER_FIRST], line[INNER_LAST] = math.ceil(low), math.floor(high)
    if not low <= high or line[INNER_FIRST] > line[INNER_LAST]:
        line[INNER_FIRST], line[INNER_LAST] = last + 1, last


@njit(nogil=True, cache=True, fastmath=FAST)
def trace_rows(shape_kji, source, pixel_to_ijk, pixel_to_ras, first_row, lines, axes):
    """Fill ``lines`` (rows, columns, LINE_SIZE) float64 and ``axes`` (rows, columns) int8 from ``first_row`` on.

    The volume ends at its outermost voxel centres, where trilinear interpolation ends.
    """
    for row in range(axes.shape[0]):
        for column in range(axes.shape[1]):
            x, y, z, length = ray_direction(pixel_to_ijk, pixel_to_ras, column, first_row + row)
            axis, along, across_b, across_c = main_axis(x, y, z)
            size_a, size_b, size_c, _, _, _ = axis_layout(axis, shape_kji)
            line = lines[row, column]
            start_a = source[axis]
            line[SLOPE_B], line[SLOPE_C] = across_b / along, across_c / along
            line[START_B] = source[1 if axis == 0 else 0] - start_a * line[SLOPE_B]
            line[START_C] = source[1 if axis == 2 else 2] - start_a * line[SLOPE_C]
            line[STEP_MM] = length / abs(along)
            line[LOW], line[LOW_END], line[HIGH], line[HIGH_END] = 0.0, FACE_A, size_a - 1.0, FACE_A
            if along > 0 and start_a > line[LOW]:
                line[LOW], line[LOW_END] = start_a, SOURCE
            elif along < 0 and start_a < line[HIGH]:
                line[HIGH], line[HIGH_END] = start_a, SOURCE
            _clip(line, line[START_B], line[SLOPE_B], size_b - 1.0, FACE_B)
            _clip(line, line[START_C], line[SLOPE_C], size_c - 1.0, FACE_C)
            axes[row, column] = axis if line[LOW] < line[HIGH] else MISSES
            _find_inner_planes(line, size_b, size_c)


@njit(nogil=True, cache=True, fastmath=FAST)
def cell_of(coordinate, size):
    """The cell (index of its lower voxel, fraction) that holds a coordinate, kept inside the volume."""
    index = min(max(math.floor(coordinate), 0), size - 2)
    return index, coordinate - index
