"""The exact adjoint of the CPU's forward projection: every sample's weights, scattered instead of gathered."""

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
    SLOPE_B,
    SLOPE_C,
    START_B,
    START_C,
    STEP_MM,
    axis_layout,
    cell_of,
)
from XRayLib.projector.numba_scattering import spread_across_rows, spread_along_rows


@njit(nogil=True, cache=True, fastmath=FAST)
def _scatter_point(volume, layout, line, x, share, first_plane, last_plane):
    """Spread ``share`` over the eight voxels around x, as far as they lie in the planes [first_plane, last_plane)."""
    size_a, size_b, size_c, stride_a, stride_b, stride_c = layout
    ia, wa = cell_of(x, size_a)
    ib, wb = cell_of(line[START_B] + line[SLOPE_B] * x, size_b)
    ic, wc = cell_of(line[START_C] + line[SLOPE_C] * x, size_c)
    for da in range(2):
        if not first_plane <= ia + da < last_plane:
            continue
        at = (ia + da) * stride_a + ib * stride_b + ic * stride_c
        part = share * (wa if da else 1.0 - wa)
        volume[at] += part * (1.0 - wb) * (1.0 - wc)
        volume[at + stride_b] += part * wb * (1.0 - wc)
        volume[at + stride_c] += part * (1.0 - wb) * wc
        volume[at + stride_b + stride_c] += part * wb * wc


@njit(nogil=True, cache=True, fastmath=FAST)
def _scatter_low_end(volume, layout, line, value, first_plane, last_plane):
    """The weights of :func:`numba_forward._add_low_end`, scattered."""
    low, high = line[LOW], line[HIGH]
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        share = 0.5 * (high - low) * value
        _scatter_point(volume, layout, line, low, share, first_plane, last_plane)
        _scatter_point(volume, layout, line, high, share, first_plane, last_plane)
        return
    half = 0.5 * (first - low)
    _scatter_point(volume, layout, line, low, half * value, first_plane, last_plane)
    _scatter_point(volume, layout, line, float(first), (half - 0.5) * value, first_plane, last_plane)
    for plane in range(first, min(int(line[INNER_FIRST]), last + 1)):
        _scatter_point(volume, layout, line, float(plane), value, first_plane, last_plane)


@njit(nogil=True, cache=True, fastmath=FAST)
def _scatter_high_end(volume, layout, line, value, first_plane, last_plane):
    """The weights of :func:`numba_forward._add_high_end`, scattered."""
    high = line[HIGH]
    first, last = math.ceil(line[LOW]), math.floor(high)
    if first > last:
        return
    for plane in range(int(line[INNER_LAST]) + 1, last + 1):
        _scatter_point(volume, layout, line, float(plane), value, first_plane, last_plane)
    half = 0.5 * (high - last)
    _scatter_point(volume, layout, line, float(last), (half - 0.5) * value, first_plane, last_plane)
    _scatter_point(volume, layout, line, high, half * value, first_plane, last_plane)


@njit(nogil=True, cache=True, fastmath=FAST)
def scatter_planes(images, lines, axes, shape_kji, axis, first_plane, last_plane, volume):
    """Add the adjoint of all views to the planes [first_plane, last_plane) of ``axis``.

    ``images`` (views, rows, columns), ``lines`` (views, rows, columns, LINE_SIZE), ``axes`` (views, rows, columns).
    Only rays that run along ``axis`` take part; tasks that own different planes never write the same voxel, so there is
    no race and the result does not depend on the number of threads.
    """
    layout = axis_layout(axis, shape_kji)
    strides = np.int32(layout[3]), np.int32(layout[4]), np.int32(layout[5])
    views, rows, columns = images.shape
    for view in range(views):
        for row in range(rows):
            for column in range(columns):
                line, pixel = lines[view, row, column], images[view, row, column]
                if axes[view, row, column] != axis or pixel == 0.0:
                    continue
                value = pixel * line[STEP_MM]
                inner_first, inner_last = int(line[INNER_FIRST]), int(line[INNER_LAST])
                if line[LOW] < last_plane and inner_first >= first_plane - 1:
                    _scatter_low_end(volume, layout, line, value, first_plane, last_plane)
                if line[HIGH] > first_plane - 1 and inner_last <= last_plane:
                    _scatter_high_end(volume, layout, line, value, first_plane, last_plane)
                inside = np.int32(max(inner_first, first_plane)), np.int32(min(inner_last, last_plane - 1))
                if inside[0] > inside[1]:
                    continue
                start_slope = (
                    np.float32(line[START_B]),
                    np.float32(line[SLOPE_B]),
                    np.float32(line[START_C]),
                    np.float32(line[SLOPE_C]),
                )
                if strides[1] == 1:
                    spread_along_rows(volume, inside, start_slope, strides, np.float32(value))
                else:
                    spread_across_rows(volume, inside, start_slope, strides, np.float32(value))
