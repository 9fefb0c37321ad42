"""Rays as lines over voxel planes, in Warp: see :mod:`numba_lines`.

Positions are set up in double precision, of which a ray needs little. The 32 rays of a warp are a tile of 8 columns and
4 rows, so that their loads share cache lines whichever way the volume lies.
"""

# ruff: noqa: RUF046, UP018  int(0) and float(0.0) declare variables in Warp, a bare literal declares a constant

import warp as wp

wp.set_module_options({"enable_backward": False, "fast_math": False})

TILE_COLUMNS, TILE_ROWS = wp.constant(8), wp.constant(4)
FACE_A, FACE_B, FACE_C, SOURCE = wp.constant(0), wp.constant(1), wp.constant(2), wp.constant(3)


@wp.struct
class Line:
    """A ray as b = start_b + slope_b * x and c likewise, inside the volume for low <= x <= high; see numba_lines."""

    axis: int
    hit: bool
    start_b: wp.float64
    slope_b: wp.float64
    start_c: wp.float64
    slope_c: wp.float64
    low: wp.float64
    high: wp.float64
    low_end: int
    high_end: int
    step_mm: wp.float64
    along: wp.float64


@wp.struct
class Layout:
    """Sizes and strides of the volume along a ray's main axis, b and c."""

    size_a: int
    size_b: int
    size_c: int
    stride_a: int
    stride_b: int
    stride_c: int


@wp.func
def pixel_of(thread: int, columns: int, rows: int) -> wp.vec3i:
    """View, row and column of a thread; the row or column may lie outside the image at its border."""
    across = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS
    tiles = across * ((rows + TILE_ROWS - 1) / TILE_ROWS)
    lane = thread % (TILE_COLUMNS * TILE_ROWS)
    tile = thread / (TILE_COLUMNS * TILE_ROWS)
    place = tile % tiles
    row = (place / across) * TILE_ROWS + lane / TILE_COLUMNS
    column = (place % across) * TILE_COLUMNS + lane % TILE_COLUMNS
    return wp.vec3i(tile / tiles, row, column)


@wp.func
def other_axes(axis: int) -> wp.vec2i:
    """The axes (b, c) beside a main axis, b the faster in memory."""
    b = int(0)
    c = int(2)
    if axis == 0:
        b = 1
    if axis == 2:
        c = 1
    return wp.vec2i(b, c)


@wp.func
def layout_of(axis: int, size_ijk: wp.vec3i) -> Layout:
    others = other_axes(axis)
    strides = wp.vec3i(1, size_ijk[0], size_ijk[0] * size_ijk[1])
    layout = Layout()
    layout.size_a = size_ijk[axis]
    layout.size_b = size_ijk[others[0]]
    layout.size_c = size_ijk[others[1]]
    layout.stride_a = strides[axis]
    layout.stride_b = strides[others[0]]
    layout.stride_c = strides[others[1]]
    return layout


@wp.func
def clip(line: Line, start: wp.float64, slope: wp.float64, upper: wp.float64, face: int) -> Line:
    """Shorten a line to 0 <= start + slope * x <= upper."""
    zero = wp.float64(0.0)
    if slope == zero:
        if start < zero or start > upper:
            line.hit = False
    else:
        at_zero = -start / slope
        at_upper = (upper - start) / slope
        low = wp.min(at_zero, at_upper)
        high = wp.max(at_zero, at_upper)
        if low > line.low:
            line.low = low
            line.low_end = face
        if high < line.high:
            line.high = high
            line.high_end = face
    return line


@wp.func
def trace(
    source: wp.vec3d, pixel_to_ijk: wp.mat33d, pixel_to_ras: wp.mat33d, row: int, column: int, size_ijk: wp.vec3i
) -> Line:
    """The line of one pixel's ray."""
    pixel = wp.vec3d(wp.float64(column), wp.float64(row), wp.float64(1.0))
    direction = pixel_to_ijk * pixel
    axis = int(2)
    if wp.abs(direction[1]) >= wp.abs(direction[2]):
        axis = 1
    if wp.abs(direction[0]) >= wp.abs(direction[1]) and wp.abs(direction[0]) >= wp.abs(direction[2]):
        axis = 0
    others = other_axes(axis)
    line = Line()
    line.axis = axis
    line.hit = True
    line.along = direction[axis]
    line.slope_b = direction[others[0]] / line.along
    line.slope_c = direction[others[1]] / line.along
    line.start_b = source[others[0]] - source[axis] * line.slope_b
    line.start_c = source[others[1]] - source[axis] * line.slope_c
    line.step_mm = wp.length(pixel_to_ras * pixel) / wp.abs(line.along)
    line.low = wp.float64(0.0)
    line.high = wp.float64(size_ijk[axis] - 1)
    line.low_end = FACE_A
    line.high_end = FACE_A
    if line.along > wp.float64(0.0) and source[axis] > line.low:
        line.low = source[axis]
        line.low_end = SOURCE
    if line.along < wp.float64(0.0) and source[axis] < line.high:
        line.high = source[axis]
        line.high_end = SOURCE
    line = clip(line, line.start_b, line.slope_b, wp.float64(size_ijk[others[0]] - 1), FACE_B)
    line = clip(line, line.start_c, line.slope_c, wp.float64(size_ijk[others[1]] - 1), FACE_C)
    if line.low >= line.high:
        line.hit = False
    return line
