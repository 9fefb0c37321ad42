"""Joseph's ray integrals on the CPU, compiled with numba.

P. M. Joseph, "An improved algorithm for reprojecting rays through pixel images", IEEE TMI 1(3):192-196, 1982. A ray is
sampled where it crosses the voxel planes of the axis it runs along most, with bilinear interpolation in the plane; the
volume is zero outside its voxels, so the interpolant falls to zero over the last half-tent at every face.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

FAST = {"contract", "reassoc", "arcp", "nsz"}
"""Reordered sums are fine; NaN and infinity keep their meaning, so that bad voxels show up in the image."""


@njit(nogil=True, cache=True, fastmath=FAST, inline="always")
def _inside(start, slope, upper, first, last):
    """The part of the steps [first, last] with 0 <= start + slope * step <= upper."""
    if slope > 0:
        first = max(first, -start / slope)
        last = min(last, (upper - start) / slope)
    elif slope < 0:
        first = max(first, (upper - start) / slope)
        last = min(last, -start / slope)
    elif start < 0 or start > upper:
        last = first - 1.0
    return first, last


@njit(nogil=True, cache=True, fastmath=FAST)
def _source_weight(ahead):
    """Share of the plane's tent that lies in front of the source, which is ``ahead`` planes before the plane."""
    if ahead >= 1.0:
        return 1.0
    if ahead >= 0.0:
        return 1.0 - 0.5 * (1.0 - ahead) ** 2
    if ahead > -1.0:
        return 0.5 * (1.0 + ahead) ** 2
    return 0.0


@njit(nogil=True, cache=True, fastmath=FAST)
def _line(pixel_to_ijk, pixel_to_ras, column, row):
    """A ray's dominant axis, its slopes along the two other axes, its direction sign and mm per plane."""
    x = pixel_to_ijk[0, 0] * column + pixel_to_ijk[0, 1] * row + pixel_to_ijk[0, 2]
    y = pixel_to_ijk[1, 0] * column + pixel_to_ijk[1, 1] * row + pixel_to_ijk[1, 2]
    z = pixel_to_ijk[2, 0] * column + pixel_to_ijk[2, 1] * row + pixel_to_ijk[2, 2]
    rx = pixel_to_ras[0, 0] * column + pixel_to_ras[0, 1] * row + pixel_to_ras[0, 2]
    ry = pixel_to_ras[1, 0] * column + pixel_to_ras[1, 1] * row + pixel_to_ras[1, 2]
    rz = pixel_to_ras[2, 0] * column + pixel_to_ras[2, 1] * row + pixel_to_ras[2, 2]
    length = math.sqrt(rx * rx + ry * ry + rz * rz)
    if abs(x) >= abs(y) and abs(x) >= abs(z):
        axis, along, across_b, across_c = 0, x, y, z
    elif abs(y) >= abs(z):
        axis, along, across_b, across_c = 1, y, x, z
    else:
        axis, along, across_b, across_c = 2, z, x, y
    return axis, across_b / along, across_c / along, math.copysign(1.0, along), length / abs(along)


@njit(nogil=True, cache=True, fastmath=FAST)
def _axes(axis, shape_kji):
    """Sizes and strides of (axis, b, c), b the faster of the two other axes."""
    ni, nj, nk = shape_kji[2], shape_kji[1], shape_kji[0]
    if axis == 0:
        return ni, nj, nk, 1, ni, ni * nj
    if axis == 1:
        return nj, ni, nk, ni, 1, ni * nj
    return nk, ni, nj, ni * nj, 1, ni


@njit(nogil=True, cache=True, fastmath=FAST)
def _steps(start_b, slope_b, start_c, slope_c, start_a, sign, size_a, size_b, size_c):
    """Planes that the ray meets at all [first, last], and those where all four neighbours exist [inner, outer]."""
    low, high = 0.0, size_a - 1.0
    inner_low, inner_high = 0.0, size_a - 1.0
    if sign > 0:
        low, inner_low = max(low, start_a - 1.0), max(inner_low, start_a + 1.0)
    else:
        high, inner_high = min(high, start_a + 1.0), min(inner_high, start_a - 1.0)
    low, high = _inside(start_b + 1.0, slope_b, size_b + 1.0, low, high)
    low, high = _inside(start_c + 1.0, slope_c, size_c + 1.0, low, high)
    inner_low, inner_high = _inside(start_b - 0.001, slope_b, size_b - 1.002, inner_low, inner_high)
    inner_low, inner_high = _inside(start_c - 0.001, slope_c, size_c - 1.002, inner_low, inner_high)
    if not low <= high:
        return 0, -1, 0, -1
    first, last = math.ceil(low), math.floor(high)
    if not inner_low <= inner_high:
        return first, last, last + 1, last
    return first, last, math.ceil(inner_low), math.floor(inner_high)


@njit(nogil=True, cache=True, fastmath=FAST)
def _sample_border(volume, plane, b, c, size_b, size_c, stride_b, stride_c):
    """Bilinear sample near the faces of the volume, zero outside."""
    floor_b, floor_c = math.floor(b), math.floor(c)
    ib, ic = int(floor_b), int(floor_c)
    wb, wc = b - floor_b, c - floor_c
    value = 0.0
    for db in range(2):
        for dc in range(2):
            if 0 <= ib + db < size_b and 0 <= ic + dc < size_c:
                weight = (wb if db else 1.0 - wb) * (wc if dc else 1.0 - wc)
                value += weight * volume[plane + (ib + db) * stride_b + (ic + dc) * stride_c]
    return value


@njit(nogil=True, cache=True, fastmath=FAST)
def project_rows(volume, shape_kji, source, pixel_to_ijk, pixel_to_ras, first_row, last_row, image):
    """Integrate the rays of rows [first_row, last_row) of one view into ``image``.

    ``volume`` is flat float32 of ``shape_kji``; the other arrays are those of :class:`XRayLib.projector.rays.Rays`.
    """
    for row in range(first_row, last_row):
        for column in range(image.shape[1]):
            axis, slope_b, slope_c, sign, step_mm = _line(pixel_to_ijk, pixel_to_ras, column, row)
            size_a, size_b, size_c, stride_a, stride_b, stride_c = _axes(axis, shape_kji)
            start_a = source[axis]
            start_b = source[1 if axis == 0 else 0] - start_a * slope_b
            start_c = source[1 if axis == 2 else 2] - start_a * slope_c
            first, last, inner, outer = _steps(
                start_b, slope_b, start_c, slope_c, start_a, sign, size_a, size_b, size_c
            )
            total = 0.0
            plane = first
            while plane <= last:
                if plane == inner and inner <= outer:
                    total += _integrate_inner(
                        volume, plane, outer, start_b, slope_b, start_c, slope_c, stride_a, stride_b, stride_c
                    )
                    plane = outer + 1
                    continue
                total += _source_weight((plane - start_a) * sign) * _sample_border(
                    volume,
                    plane * stride_a,
                    start_b + plane * slope_b,
                    start_c + plane * slope_c,
                    size_b,
                    size_c,
                    stride_b,
                    stride_c,
                )
                plane += 1
            image[row, column] = total * step_mm


@njit(nogil=True, cache=True, fastmath=FAST)
def _integrate_inner(volume, inner, outer, start_b, slope_b, start_c, slope_c, stride_a, stride_b, stride_c):
    b, c = np.float32(start_b + inner * slope_b), np.float32(start_c + inner * slope_c)
    step_b, step_c = np.float32(slope_b), np.float32(slope_c)
    total = np.float32(0)
    offset = inner * stride_a
    for step in range(outer - inner + 1):
        b_here = b + np.float32(step) * step_b
        c_here = c + np.float32(step) * step_c
        ib, ic = np.int32(b_here), np.int32(c_here)
        wb, wc = b_here - np.float32(ib), c_here - np.float32(ic)
        near = offset + step * stride_a + ib * stride_b + ic * stride_c
        low = volume[near] + wb * (volume[near + stride_b] - volume[near])
        high = volume[near + stride_c] + wb * (volume[near + stride_b + stride_c] - volume[near + stride_c])
        total += low + wc * (high - low)
    return total


@njit(nogil=True, cache=True, fastmath=FAST)
def backproject_planes(image, shape_kji, source, pixel_to_ijk, pixel_to_ras, axis, first_plane, last_plane, volume):
    """Add one view's exact adjoint to the planes [first_plane, last_plane) of ``axis``.

    Only rays that run along ``axis`` take part, and each touches a plane in its own step, so threads that own
    different planes never write the same voxel.
    """
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            value = image[row, column]
            if value == 0:
                continue
            ray_axis, slope_b, slope_c, sign, step_mm = _line(pixel_to_ijk, pixel_to_ras, column, row)
            if ray_axis != axis:
                continue
            size_a, size_b, size_c, stride_a, stride_b, stride_c = _axes(axis, shape_kji)
            start_a = source[axis]
            start_b = source[1 if axis == 0 else 0] - start_a * slope_b
            start_c = source[1 if axis == 2 else 2] - start_a * slope_c
            first, last, _, _ = _steps(start_b, slope_b, start_c, slope_c, start_a, sign, size_a, size_b, size_c)
            for plane in range(max(first, first_plane), min(last + 1, last_plane)):
                b, c = start_b + plane * slope_b, start_c + plane * slope_c
                floor_b, floor_c = math.floor(b), math.floor(c)
                ib, ic = int(floor_b), int(floor_c)
                wb, wc = b - floor_b, c - floor_c
                weight = value * step_mm * _source_weight((plane - start_a) * sign)
                for db in range(2):
                    for dc in range(2):
                        if 0 <= ib + db < size_b and 0 <= ic + dc < size_c:
                            share = weight * (wb if db else 1.0 - wb) * (wc if dc else 1.0 - wc)
                            volume[plane * stride_a + (ib + db) * stride_b + (ic + dc) * stride_c] += share
