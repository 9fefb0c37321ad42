"""Pose derivatives on the CPU: the chain rule from a ray's line to the motion of the volume."""

from __future__ import annotations

from numba import njit

from XRayLib.projector.numba_forward import (
    BY_HIGH,
    BY_LOW,
    BY_SLOPE_B,
    BY_SLOPE_C,
    BY_START_B,
    BY_START_C,
    VALUE,
)
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
    STEP_MM,
    main_axis,
    ray_direction,
)


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
