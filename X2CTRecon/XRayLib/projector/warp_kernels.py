"""Joseph's ray integrals, their pose derivatives and their adjoint as NVIDIA Warp kernels: one thread per ray.

The quadrature is that of :mod:`numba_forward`; sampling is in single precision.
"""

# ruff: noqa: UP018  int(0) and float(0.0) declare variables in Warp, a bare literal declares a constant

import warp as wp

from XRayLib.projector.warp_lines import FACE_B, FACE_C, SOURCE, Layout, Line, layout_of, other_axes, pixel_of, trace

wp.set_module_options({"enable_backward": False, "fast_math": False})


@wp.struct
class Sums:
    """The integral of a ray in planes, and its derivatives with respect to the line's parameters."""

    value: float
    start_b: float
    slope_b: float
    start_c: float
    slope_c: float
    low: float
    high: float


@wp.func
def bilinear(volume: wp.array(dtype=float), at: int, wb: float, wc: float, layout: Layout) -> wp.vec3:
    """Value at the fractions (wb, wc) of a cell of a plane, and its slopes along b and c."""
    near0 = volume[at]
    near1 = volume[at + layout.stride_b]
    far0 = volume[at + layout.stride_c]
    far1 = volume[at + layout.stride_b + layout.stride_c]
    near_slope = near1 - near0
    far_slope = far1 - far0
    near = near0 + wb * near_slope
    far = far0 + wb * far_slope
    return wp.vec3(near + wc * (far - near), near_slope + wc * (far_slope - near_slope), far - near)


@wp.func
def cell_of(coordinate: float, size: int) -> int:
    return wp.clamp(int(wp.floor(coordinate)), 0, size - 2)


@wp.func
def add_slopes(sums: Sums, weight: float, x: float, by_b: float, by_c: float) -> Sums:
    sums.start_b += weight * by_b
    sums.slope_b += weight * by_b * x
    sums.start_c += weight * by_c
    sums.slope_c += weight * by_c * x
    return sums


@wp.func
def end_sample(volume: wp.array(dtype=float), line: Line, layout: Layout, x: wp.float64) -> wp.vec4:
    """Trilinear value at one end of a ray, its slopes along b and c, and its derivative along the ray."""
    b = float(line.start_b + line.slope_b * x)
    c = float(line.start_c + line.slope_c * x)
    ia = cell_of(float(x), layout.size_a)
    ib = cell_of(b, layout.size_b)
    ic = cell_of(c, layout.size_c)
    wa = float(x - wp.float64(ia))
    at = ia * layout.stride_a + ib * layout.stride_b + ic * layout.stride_c
    lower = bilinear(volume, at, b - float(ib), c - float(ic), layout)
    upper = bilinear(volume, at + layout.stride_a, b - float(ib), c - float(ic), layout)
    here = lower + wa * (upper - lower)
    along = upper[0] - lower[0] + here[1] * float(line.slope_b) + here[2] * float(line.slope_c)
    return wp.vec4(here[0], here[1], here[2], along)


@wp.func
def integrate(volume: wp.array(dtype=float), line: Line, layout: Layout) -> Sums:
    """Trapezoidal rule over the planes that a ray crosses and over its two ends."""
    sums = Sums()
    first = int(wp.ceil(line.low))
    last = int(wp.floor(line.high))
    below = float(wp.float64(first) - line.low) * 0.5
    above = float(line.high - wp.float64(last)) * 0.5
    low_weight = below
    high_weight = above
    low_by_high = float(0.0)
    high_by_low = float(0.0)
    if first > last:
        low_weight = float(line.high - line.low) * 0.5
        high_weight = low_weight
        low_by_high = 0.5
        high_by_low = -0.5
    start_b = float(line.start_b)
    slope_b = float(line.slope_b)
    start_c = float(line.start_c)
    slope_c = float(line.slope_c)
    for plane in range(first, last + 1):
        x = float(plane)
        b = start_b + x * slope_b
        c = start_c + x * slope_c
        ib = cell_of(b, layout.size_b)
        ic = cell_of(c, layout.size_c)
        at = plane * layout.stride_a + ib * layout.stride_b + ic * layout.stride_c
        sample = bilinear(volume, at, b - float(ib), c - float(ic), layout)
        weight = float(1.0)
        if plane == first:
            weight += below - 0.5
            sums.low -= 0.5 * sample[0]
        if plane == last:
            weight += above - 0.5
            sums.high += 0.5 * sample[0]
        sums.value += weight * sample[0]
        sums = add_slopes(sums, weight, x, sample[1], sample[2])
    if low_weight > 0.0:
        end = end_sample(volume, line, layout, line.low)
        sums.value += low_weight * end[0]
        sums = add_slopes(sums, low_weight, float(line.low), end[1], end[2])
        sums.low += low_weight * end[3] - 0.5 * end[0]
        sums.high += low_by_high * end[0]
    if high_weight > 0.0:
        end = end_sample(volume, line, layout, line.high)
        sums.value += high_weight * end[0]
        sums = add_slopes(sums, high_weight, float(line.high), end[1], end[2])
        sums.high += high_weight * end[3] + 0.5 * end[0]
        sums.low += high_by_low * end[0]
    return sums


@wp.kernel
def project_rays(
    volume: wp.array(dtype=float),
    size_ijk: wp.vec3i,
    sources: wp.array(dtype=wp.vec3d),
    pixel_to_ijk: wp.array(dtype=wp.mat33d),
    pixel_to_ras: wp.array(dtype=wp.mat33d),
    images: wp.array3d(dtype=float),
):
    """Line integrals (views, rows, columns)."""
    pixel = pixel_of(wp.tid(), images.shape[2], images.shape[1])
    view, row, column = pixel[0], pixel[1], pixel[2]
    if row >= images.shape[1] or column >= images.shape[2]:
        return
    line = trace(sources[view], pixel_to_ijk[view], pixel_to_ras[view], row, column, size_ijk)
    total = float(0.0)
    if line.hit:
        sums = integrate(volume, line, layout_of(line.axis, size_ijk))
        total = sums.value * float(line.step_mm)
    images[view, row, column] = total


@wp.func
def end_shift(
    line: Line,
    at: wp.float64,
    end: int,
    source_a: wp.float64,
    start_b: wp.float64,
    slope_b: wp.float64,
    start_c: wp.float64,
    slope_c: wp.float64,
) -> float:
    """How far a line's end moves when its start and slopes change as given."""
    shift = wp.float64(0.0)
    if end == FACE_B:
        shift = -(start_b + at * slope_b) / line.slope_b
    if end == FACE_C:
        shift = -(start_c + at * slope_c) / line.slope_c
    if end == SOURCE:
        shift = source_a
    return float(shift)


@wp.kernel
def project_rays_with_jacobian(
    volume: wp.array(dtype=float),
    size_ijk: wp.vec3i,
    sources: wp.array(dtype=wp.vec3d),
    pixel_to_ijk: wp.array(dtype=wp.mat33d),
    pixel_to_ras: wp.array(dtype=wp.mat33d),
    source_by_twist: wp.array2d(dtype=wp.vec3d),
    pixel_to_ijk_by_twist: wp.array2d(dtype=wp.mat33d),
    images: wp.array3d(dtype=float),
    jacobian: wp.array4d(dtype=float),
):
    """Line integrals and their derivatives (views, 6, rows, columns) with respect to the volume's twist."""
    pixel = pixel_of(wp.tid(), images.shape[2], images.shape[1])
    view, row, column = pixel[0], pixel[1], pixel[2]
    if row >= images.shape[1] or column >= images.shape[2]:
        return
    source = sources[view]
    line = trace(source, pixel_to_ijk[view], pixel_to_ras[view], row, column, size_ijk)
    sums = Sums()
    if line.hit:
        sums = integrate(volume, line, layout_of(line.axis, size_ijk))
    step_mm = float(line.step_mm)
    images[view, row, column] = sums.value * step_mm
    others = other_axes(line.axis)
    at = wp.vec3d(wp.float64(column), wp.float64(row), wp.float64(1.0))
    for m in range(6):
        change = float(0.0)
        if line.hit:
            turn = pixel_to_ijk_by_twist[view, m] * at
            shift = source_by_twist[view, m]
            turn_a = turn[line.axis] / line.along
            slope_b = turn[others[0]] / line.along - line.slope_b * turn_a
            slope_c = turn[others[1]] / line.along - line.slope_c * turn_a
            start_b = shift[others[0]] - line.slope_b * shift[line.axis] - source[line.axis] * slope_b
            start_c = shift[others[1]] - line.slope_c * shift[line.axis] - source[line.axis] * slope_c
            low = end_shift(line, line.low, line.low_end, shift[line.axis], start_b, slope_b, start_c, slope_c)
            high = end_shift(line, line.high, line.high_end, shift[line.axis], start_b, slope_b, start_c, slope_c)
            change = sums.start_b * float(start_b) + sums.slope_b * float(slope_b)
            change += sums.start_c * float(start_c) + sums.slope_c * float(slope_c)
            change += sums.low * low + sums.high * high - sums.value * float(turn_a)
        jacobian[view, m, row, column] = change * step_mm


@wp.func
def scatter_plane(volume: wp.array(dtype=float), at: int, wb: float, wc: float, share: float, layout: Layout):
    wp.atomic_add(volume, at, share * (1.0 - wb) * (1.0 - wc))
    wp.atomic_add(volume, at + layout.stride_b, share * wb * (1.0 - wc))
    wp.atomic_add(volume, at + layout.stride_c, share * (1.0 - wb) * wc)
    wp.atomic_add(volume, at + layout.stride_b + layout.stride_c, share * wb * wc)


@wp.func
def scatter_end(volume: wp.array(dtype=float), line: Line, layout: Layout, x: wp.float64, share: float):
    b = float(line.start_b + line.slope_b * x)
    c = float(line.start_c + line.slope_c * x)
    ia = cell_of(float(x), layout.size_a)
    ib = cell_of(b, layout.size_b)
    ic = cell_of(c, layout.size_c)
    wa = float(x - wp.float64(ia))
    at = ia * layout.stride_a + ib * layout.stride_b + ic * layout.stride_c
    scatter_plane(volume, at, b - float(ib), c - float(ic), share * (1.0 - wa), layout)
    scatter_plane(volume, at + layout.stride_a, b - float(ib), c - float(ic), share * wa, layout)


@wp.kernel
def backproject_rays(
    images: wp.array3d(dtype=float),
    size_ijk: wp.vec3i,
    sources: wp.array(dtype=wp.vec3d),
    pixel_to_ijk: wp.array(dtype=wp.mat33d),
    pixel_to_ras: wp.array(dtype=wp.mat33d),
    volume: wp.array(dtype=float),
):
    """Add the adjoint of :func:`project_rays` to ``volume``."""
    pixel = pixel_of(wp.tid(), images.shape[2], images.shape[1])
    view, row, column = pixel[0], pixel[1], pixel[2]
    if row >= images.shape[1] or column >= images.shape[2]:
        return
    line = trace(sources[view], pixel_to_ijk[view], pixel_to_ras[view], row, column, size_ijk)
    value = images[view, row, column] * float(line.step_mm)
    if not line.hit or value == 0.0:
        return
    layout = layout_of(line.axis, size_ijk)
    first = int(wp.ceil(line.low))
    last = int(wp.floor(line.high))
    below = float(wp.float64(first) - line.low) * 0.5
    above = float(line.high - wp.float64(last)) * 0.5
    if first > last:
        half = float(line.high - line.low) * 0.5
        scatter_end(volume, line, layout, line.low, value * half)
        scatter_end(volume, line, layout, line.high, value * half)
        return
    for plane in range(first, last + 1):
        b = float(line.start_b) + float(plane) * float(line.slope_b)
        c = float(line.start_c) + float(plane) * float(line.slope_c)
        ib = cell_of(b, layout.size_b)
        ic = cell_of(c, layout.size_c)
        weight = float(1.0)
        if plane == first:
            weight += below - 0.5
        if plane == last:
            weight += above - 0.5
        at = plane * layout.stride_a + ib * layout.stride_b + ic * layout.stride_c
        scatter_plane(volume, at, b - float(ib), c - float(ic), value * weight, layout)
    if below > 0.0:
        scatter_end(volume, line, layout, line.low, value * below)
    if above > 0.0:
        scatter_end(volume, line, layout, line.high, value * above)
