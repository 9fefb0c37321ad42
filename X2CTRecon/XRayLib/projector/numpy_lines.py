"""Rays as lines over voxel planes, their quadrature and its cells, in plain numpy (see numba_lines, numba_forward)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from XRayLib.projector.rays import Rays

Array = NDArray[np.float64]

FACE_A, FACE_B, FACE_C, SOURCE = range(4)


@dataclass(frozen=True)
class Lines:
    """Rays that run along one axis, as b = start_b + slope_b * x and c likewise over the plane coordinate x.

    Every array is (rays,). The ray is inside the volume for low <= x <= high; ``low_end`` and ``high_end`` say what
    ends it: a face across the main axis, b or c, or the source.
    """

    pixels: NDArray[np.int64]
    start_b: Array
    slope_b: Array
    start_c: Array
    slope_c: Array
    low: Array
    high: Array
    low_end: NDArray[np.int64]
    high_end: NDArray[np.int64]
    step_mm: Array
    along: Array
    """Component of the ray's direction along the main axis, voxels per mm of depth."""

    def of_rays(self, chosen: NDArray[np.int64]) -> Lines:
        """Some of the rays."""
        return Lines(*(getattr(self, each.name)[chosen] for each in fields(self)))


@dataclass(frozen=True)
class Point:
    """One weighted sample per ray at ``x``; its weight changes by ``by_low`` and ``by_high`` per unit of low and high,
    and it moves with low or high when ``moves`` is "low" or "high"."""

    x: Array
    weight: Array
    by_low: Array | float = 0.0
    by_high: Array | float = 0.0
    moves: str = ""

    def of_rays(self, chosen: NDArray[np.int64]) -> Point:
        """The same point of some of the rays."""
        shares = (share[chosen] if isinstance(share, np.ndarray) else share for share in (self.by_low, self.by_high))
        return Point(self.x[chosen], self.weight[chosen], *shares, self.moves)


def other_axes(axis: int) -> tuple[int, int]:
    """The axes (b, c) beside a main axis, b the faster in memory."""
    return (1 if axis == 0 else 0), (1 if axis == 2 else 2)


def trace(shape_kji: tuple[int, int, int], rays: Rays, view: int, axis: int) -> Lines:
    columns, rows = rays.size_px
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([column.ravel(), row.ravel(), np.ones(rows * columns)])
    direction = rays.pixel_to_ijk[view] @ pixels
    mine = np.flatnonzero(np.argmax(np.abs(direction), axis=0) == axis)
    direction, source = direction[:, mine], rays.source_ijk[view]
    along, (b, c) = direction[axis], other_axes(axis)
    slope_b, slope_c = direction[b] / along, direction[c] / along
    start_b, start_c = source[b] - source[axis] * slope_b, source[c] - source[axis] * slope_c
    low, high = np.zeros(len(mine)), np.full(len(mine), shape_kji[2 - axis] - 1.0)
    low_end, high_end = np.full(len(mine), FACE_A), np.full(len(mine), FACE_A)
    cut = (along > 0) & (source[axis] > low)
    low[cut], low_end[cut] = source[axis], SOURCE
    cut = (along < 0) & (source[axis] < high)
    high[cut], high_end[cut] = source[axis], SOURCE
    for start, slope, size, face in (
        (start_b, slope_b, shape_kji[2 - b], FACE_B),
        (start_c, slope_c, shape_kji[2 - c], FACE_C),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            faces = np.sort(np.stack([-start / slope, (size - 1 - start) / slope]), axis=0)
        parallel = slope == 0
        outside = (start < 0) | (start > size - 1)
        faces[0, parallel] = np.where(outside[parallel], np.inf, -np.inf)
        faces[1, parallel] = np.inf
        cut = faces[0] > low
        low[cut], low_end[cut] = faces[0, cut], face
        cut = faces[1] < high
        high[cut], high_end[cut] = faces[1, cut], face
    hit = low < high
    step_mm = np.linalg.norm(rays.pixel_to_ras[view] @ pixels[:, mine], axis=0) / np.abs(along)
    arrays = (start_b, slope_b, start_c, slope_c, low, high, low_end, high_end, step_mm, along)
    return Lines(mine[hit], *(array[hit] for array in arrays))


def quadrature(lines: Lines, planes: int) -> list[Point]:
    """The trapezoidal rule over the planes between a ray's ends and over the ends themselves."""
    first, last = np.ceil(lines.low), np.floor(lines.high)
    meets = (first <= last).astype(float)
    misses = 1 - meets
    below, above = (first - lines.low) / 2, (lines.high - last) / 2
    short = (lines.high - lines.low) / 2 * misses
    points = [Point(np.full(len(first), float(n)), meets * ((first <= n) & (n <= last))) for n in range(planes)]
    return [
        *points,
        Point(first, (below - 0.5) * meets, by_low=-0.5 * meets),
        Point(last, (above - 0.5) * meets, by_high=0.5 * meets),
        Point(lines.low, below * meets, by_low=-0.5 * meets, moves="low"),
        Point(lines.high, above * meets, by_high=0.5 * meets, moves="high"),
        Point(lines.low, short, by_low=-0.5 * misses, by_high=0.5 * misses, moves="low"),
        Point(lines.high, short, by_low=-0.5 * misses, by_high=0.5 * misses, moves="high"),
    ]


@dataclass(frozen=True)
class Cells:
    """The cells (a, b, c) that hold one point of every ray: index of the lower voxel and fraction, per axis."""

    index: tuple[NDArray[np.int64], ...]
    fraction: tuple[Array, ...]

    def corners(self) -> Iterator[tuple[tuple[int, int, int], tuple[NDArray[np.int64], ...]]]:
        """The eight corners: which one, and its voxel indices."""
        for corner in np.ndindex(2, 2, 2):
            yield corner, tuple(index + d for index, d in zip(self.index, corner, strict=True))

    def weight(self, corner: tuple[int, int, int], *, slope_along: int = -1) -> Array:
        """Trilinear weight of a corner, or its derivative along one of the axes (a, b, c) = 0, 1, 2."""
        weight = np.ones_like(self.fraction[0])
        for axis, (fraction, upper) in enumerate(zip(self.fraction, corner, strict=True)):
            if axis == slope_along:
                weight = weight * (1.0 if upper else -1.0)
            else:
                weight = weight * (fraction if upper else 1 - fraction)
        return weight


def cells_of(lines: Lines, x: Array, sizes: tuple[int, int, int]) -> Cells:
    index, fraction = [], []
    for coordinate, size in zip(
        (x, lines.start_b + lines.slope_b * x, lines.start_c + lines.slope_c * x), sizes, strict=True
    ):
        lower = np.clip(np.floor(coordinate).astype(np.int64), 0, size - 2)
        index.append(lower)
        fraction.append(coordinate - lower)
    return Cells(tuple(index), tuple(fraction))
