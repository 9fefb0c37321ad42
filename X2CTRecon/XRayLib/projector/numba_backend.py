"""The CPU backend: compiled kernels on a pool of threads."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.projector import numba_adjoint, numba_forward, numba_lines, numba_pose
from XRayLib.projector.rays import RayMotion, Rays

Image = NDArray[np.float32]

TILES = {0: (16, 32, 16), 1: (16, 64, 64), 2: (32, 256, 8)}
"""Rows and columns of a tile of rays and planes of a slab, by the axis most rays run along (i, j, k). Measured on
256^3 voxels: along i a slab of 16 is one cache line wide; along j rows of i are read whole; along k planes that are
powers of two apart share cache sets, of which a slab must not need more than the cache has ways."""

SCATTER_PLANES = {0: 128, 1: 16, 2: 8}
"""Planes that one task of the adjoint owns, by main axis: whole vectors of them. Measured on 256^3 voxels."""

LINES_AT_ONCE = 2**21
"""Rays whose line table is kept while the adjoint runs: about 190 MB; further views come after."""

_pool: ThreadPoolExecutor | None = None


def threads() -> int:
    """Number of threads: OMP_NUM_THREADS when set, else the processors this process may use."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(wanted)) if wanted.isdigit() else available


def _forget_pool() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):  # a forked child has the pool object but none of its threads
    os.register_at_fork(after_in_child=_forget_pool)


def _run(task: Callable[..., None], arguments: Iterable[tuple[Any, ...]]) -> None:
    """Call ``task`` once per argument tuple; the kernels release the interpreter lock, so plain threads suffice."""
    global _pool
    if threads() == 1:
        for each in arguments:
            task(*each)
        return
    if _pool is None:
        _pool = ThreadPoolExecutor(threads(), "projector")
    for future in [_pool.submit(task, *each) for each in arguments]:
        future.result()


def _blocks(size: int, largest: int) -> list[tuple[int, int]]:
    """[first, last) blocks of at most ``largest``, as many as keep all threads equally busy."""
    count = min(size, math.ceil(math.ceil(size / largest) / threads()) * threads())
    edges = [size * n // count for n in range(count + 1)]
    return list(itertools.pairwise(edges))


class NumbaBackend:
    """Kernels of :mod:`numba_forward` and :mod:`numba_adjoint` over all processors."""

    name = "numba"
    device = "cpu"

    def upload(self, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The volume as the kernels take it: (k, j, i) float32, C order, no copy."""
        return voxels

    def project(self, volume: NDArray[np.float32], rays: Rays) -> Image:
        """(views, rows, columns) line integrals."""
        images, _ = self._integrate(volume, rays, None)
        return images

    def project_with_jacobian(self, volume: NDArray[np.float32], rays: Rays, motion: RayMotion) -> tuple[Image, Image]:
        """Line integrals and their derivatives (views, 6, rows, columns) in one pass."""
        images, jacobian = self._integrate(volume, rays, motion)
        assert jacobian is not None
        return images, jacobian

    def _integrate(
        self, volume: NDArray[np.float32], rays: Rays, motion: RayMotion | None
    ) -> tuple[Image, Image | None]:
        columns, rows = rays.size_px
        images = np.empty((len(rays), rows, columns), np.float32)
        jacobian = None if motion is None else np.empty((len(rays), 6, rows, columns), np.float32)
        flat = volume.reshape(-1)
        center = np.array([(columns - 1) / 2, (rows - 1) / 2, 1.0])

        def rows_of_view(view: int, first: int, last: int, tile_columns: int, slab: int) -> None:
            source, to_ijk, to_ras = rays.source_ijk[view], rays.pixel_to_ijk[view], rays.pixel_to_ras[view]
            block = (last - first, columns)
            lines, axes = np.empty((*block, numba_lines.LINE_SIZE)), np.empty(block, np.int8)
            sums = np.empty((*block, 7))
            numba_lines.trace_rows(volume.shape, source, to_ijk, to_ras, first, lines, axes)
            for tile in range(0, columns, tile_columns):
                numba_forward.integrate_tile(
                    flat,
                    volume.shape,
                    lines[:, tile : tile + tile_columns],
                    axes[:, tile : tile + tile_columns],
                    slab,
                    motion is not None,
                    sums[:, tile : tile + tile_columns],
                )
            numba_forward.write_image(lines, axes, sums, images[view, first:last])
            if motion is not None:
                numba_pose.write_jacobian(
                    source,
                    to_ijk,
                    to_ras,
                    motion.source_ijk[view],
                    motion.pixel_to_ijk[view],
                    first,
                    lines,
                    axes,
                    sums,
                    jacobian[view, :, first:last],
                )

        tasks = []
        for view in range(len(rays)):
            tile_rows, tile_columns, slab = TILES[int(np.argmax(np.abs(rays.pixel_to_ijk[view] @ center)))]
            for first, last in _blocks(rows, tile_rows):
                tasks.append((view, first, last, tile_columns, slab))
        _run(rows_of_view, tasks)
        return images, jacobian

    def backproject(self, images: Image, rays: Rays, shape_kji: tuple[int, int, int]) -> NDArray[np.float32]:
        """(k, j, i) adjoint of :meth:`project`."""
        columns, rows = rays.size_px
        volume = np.zeros(shape_kji, np.float32)
        views_at_once = max(1, LINES_AT_ONCE // (rows * columns))
        for first in range(0, len(rays), views_at_once):
            self._scatter(images, rays, range(first, min(first + views_at_once, len(rays))), volume)
        return volume

    def _scatter(self, images: Image, rays: Rays, views: range, volume: NDArray[np.float32]) -> None:
        columns, rows = rays.size_px
        lines = np.empty((len(views), rows, columns, numba_lines.LINE_SIZE))
        axes = np.empty((len(views), rows, columns), np.int8)

        def trace(place: int, first: int, last: int) -> None:
            view, block = views[place], (place, slice(first, last))
            source, to_ijk, to_ras = rays.source_ijk[view], rays.pixel_to_ijk[view], rays.pixel_to_ras[view]
            numba_lines.trace_rows(volume.shape, source, to_ijk, to_ras, first, lines[block], axes[block])

        _run(trace, [(place, *block) for place in range(len(views)) for block in _blocks(rows, rows)])
        for axis in range(3):
            if not (axes == axis).any():
                continue
            planes = volume.shape[2 - axis]
            of_views = images[views.start : views.stop], lines, axes, volume.shape, axis
            share = math.ceil(planes / threads() / SCATTER_PLANES[2]) * SCATTER_PLANES[2]
            slab = min(SCATTER_PLANES[axis], share)
            slabs = [(first, min(first + slab, planes)) for first in range(0, planes, slab)]
            _run(numba_adjoint.scatter_planes, [(*of_views, *each, volume.reshape(-1)) for each in slabs])
