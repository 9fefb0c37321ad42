"""The fallback backend: the same quadrature in plain numpy, for computers where numba is missing. Correct, slow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from XRayLib.projector.numpy_lines import Array, Lines, Point, cells_of, other_axes, quadrature, trace
from XRayLib.projector.rays import RayMotion, Rays

Image = NDArray[np.float32]


def _main_axis_first(volume: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """A view of a (k, j, i) volume as (main axis, b, c)."""
    b, c = other_axes(axis)
    return volume.transpose(2 - axis, 2 - b, 2 - c)


def _line_change(lines: Lines, rays: Rays, motion: RayMotion, view: int, axis: int, twist: int) -> dict[str, Array]:
    """How start, slope, ends and step of every ray change with one component of the volume's twist."""
    b, c = other_axes(axis)
    columns = rays.size_px[0]
    pixels = np.stack([lines.pixels % columns, lines.pixels // columns, np.ones(len(lines.pixels))])
    direction = motion.pixel_to_ijk[view, twist] @ pixels
    source, moved = rays.source_ijk[view], motion.source_ijk[view, twist]
    slope_b = (direction[b] - lines.slope_b * direction[axis]) / lines.along
    slope_c = (direction[c] - lines.slope_c * direction[axis]) / lines.along
    start_b = moved[b] - lines.slope_b * moved[axis] - source[axis] * slope_b
    start_c = moved[c] - lines.slope_c * moved[axis] - source[axis] * slope_c
    change = {"start_b": start_b, "slope_b": slope_b, "start_c": start_c, "slope_c": slope_c}
    for end, at, face in (("low", lines.low, lines.low_end), ("high", lines.high, lines.high_end)):
        with np.errstate(divide="ignore", invalid="ignore"):
            by_face = [
                np.zeros_like(at),
                -(start_b + at * slope_b) / lines.slope_b,
                -(start_c + at * slope_c) / lines.slope_c,
                np.full_like(at, moved[axis]),
            ]
        change[end] = np.choose(face, by_face)
    change["relative_step"] = -direction[axis] / lines.along
    return change


class NumpyBackend:
    """Vectorised over the rays of a view, one plane at a time, in double precision."""

    name = "numpy"
    device = "cpu"

    def upload(self, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The volume as it is."""
        return voxels

    def project(self, volume: NDArray[np.float32], rays: Rays) -> Image:
        """(views, rows, columns) line integrals."""
        columns, rows = rays.size_px
        images = np.zeros((len(rays), rows * columns), np.float32)
        for view, axis, lines, points in _work(volume.shape, rays):
            voxels, total = _main_axis_first(volume, axis), np.zeros(len(lines.pixels))
            for point in points:
                here = np.flatnonzero(point.weight)
                cells = cells_of(lines.of_rays(here), point.x[here], voxels.shape)
                for corner, at in cells.corners():
                    total[here] += point.weight[here] * cells.weight(corner) * voxels[at]
            images[view, lines.pixels] = total * lines.step_mm
        return images.reshape(len(rays), rows, columns)

    def project_with_jacobian(self, volume: NDArray[np.float32], rays: Rays, motion: RayMotion) -> tuple[Image, Image]:
        """Line integrals and their derivatives (views, 6, rows, columns)."""
        columns, rows = rays.size_px
        images = self.project(volume, rays)
        jacobian = np.zeros((len(rays), 6, rows * columns), np.float32)
        for view, axis, lines, points in _work(volume.shape, rays):
            slopes = _slopes(_main_axis_first(volume, axis), lines, points)
            for twist in range(6):
                change = _line_change(lines, rays, motion, view, axis, twist)
                total = sum(slopes[name] * change[name] for name in slopes) * lines.step_mm
                total += images[view].ravel()[lines.pixels] * change["relative_step"]
                jacobian[view, twist, lines.pixels] = total
        return images, jacobian.reshape(len(rays), 6, rows, columns)

    def backproject(self, images: Image, rays: Rays, shape_kji: tuple[int, int, int]) -> NDArray[np.float32]:
        """(k, j, i) adjoint of :meth:`project`."""
        volume = np.zeros(shape_kji)
        for view, axis, lines, points in _work(shape_kji, rays):
            voxels, values = _main_axis_first(volume, axis), images[view].ravel()[lines.pixels] * lines.step_mm
            for point in points:
                here = np.flatnonzero(point.weight)
                cells = cells_of(lines.of_rays(here), point.x[here], voxels.shape)
                for corner, at in cells.corners():
                    np.add.at(voxels, at, values[here] * point.weight[here] * cells.weight(corner))
        return volume.astype(np.float32)


def _work(shape_kji: tuple[int, int, int], rays: Rays) -> Iterator[tuple[int, int, Lines, list[Point]]]:
    """Every (view, main axis) with its lines and the points of their quadrature."""
    for view in range(len(rays)):
        for axis in range(3):
            lines = trace(shape_kji, rays, view, axis)
            if len(lines.pixels):
                yield view, axis, lines, quadrature(lines, shape_kji[2 - axis])


def _slopes(voxels: NDArray[np.float32], lines: Lines, points: list[Point]) -> dict[str, Array]:
    """Derivatives of every ray's sum with respect to its start, slope and ends."""
    slopes = {name: np.zeros(len(lines.pixels)) for name in ("start_b", "slope_b", "start_c", "slope_c", "low", "high")}
    for point in points:
        here = np.flatnonzero((point.weight != 0) | (point.by_low != 0) | (point.by_high != 0))
        mine, at_rays = point.of_rays(here), lines.of_rays(here)
        cells = cells_of(at_rays, mine.x, voxels.shape)
        value, by = np.zeros(len(here)), [np.zeros(len(here)) for _ in range(3)]
        for corner, at in cells.corners():
            value += cells.weight(corner) * voxels[at]
            for axis in range(3):
                by[axis] += cells.weight(corner, slope_along=axis) * voxels[at]
        slopes["start_b"][here] += mine.weight * by[1]
        slopes["slope_b"][here] += mine.weight * by[1] * mine.x
        slopes["start_c"][here] += mine.weight * by[2]
        slopes["slope_c"][here] += mine.weight * by[2] * mine.x
        slopes["low"][here] += mine.by_low * value
        slopes["high"][here] += mine.by_high * value
        if mine.moves:
            along = by[0] + by[1] * at_rays.slope_b + by[2] * at_rays.slope_c
            slopes[mine.moves][here] += mine.weight * along
    return slopes
