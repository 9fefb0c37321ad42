"""The closed surface on which a sampled function takes a value, by marching tetrahedra.

Each cube of voxel centres is cut into six tetrahedra around its diagonal (Kuhn's triangulation), which fit those of the
neighbouring cubes. A tetrahedron is crossed in one triangle or one quadrilateral and never ambiguously, so the surface
has neither holes nor doubled edges (Payne and Toga, IEEE CG&A 10(5):33, 1990). Its triangles are uneven.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.mesh.surface_graph import triangle_normals

Array = NDArray[np.float64]

_NEAREST = 0.02
"""No crossing comes nearer to a voxel centre than this share of the edge: no triangle is without area."""
_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


def isosurface(values: NDArray[np.floating], level: float, ijk_to_ras: Array) -> SurfaceMesh:
    """Where ``values`` (k, j, i) fall through ``level``; normals point to lower values. Beyond the grid it is lower.

    Returns
    -------
    SurfaceMesh
        Closed, in RAS mm; without triangles when nothing is above the level.
    """
    padded = np.pad(np.asarray(values, float) - level, 1, constant_values=-np.abs(np.ptp(values)) - 1.0)
    cubes = _crossed_cubes(padded > 0)
    found = [_crossings(padded, cubes[:, None] + _CORNERS[path]) for path in _tetrahedra()]
    ends = np.concatenate([part for part in found if len(part)] or [np.empty((0, 3, 2), np.int64)])
    edges, numbers = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    points = _to_ras(_points(padded, edges), ijk_to_ras)
    triangles = numbers.reshape(-1, 3).astype(np.int64)
    if np.linalg.det(np.asarray(ijk_to_ras)[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    return SurfaceMesh(points, triangles)


def _tetrahedra() -> list[list[int]]:
    """Six paths of corner numbers from (0, 0, 0) to (1, 1, 1), one axis at a time."""
    paths = []
    for order in itertools.permutations((4, 2, 1)):
        paths.append([0, order[0], order[0] + order[1], 7])
    return paths


def _crossed_cubes(above: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Lowest corners (N, 3) of the cubes with corners on both sides."""
    size = tuple(n - 1 for n in above.shape)
    count = np.zeros(size, np.int8)
    for corner in _CORNERS:
        count += above[tuple(slice(c, c + n) for c, n in zip(corner, size, strict=True))]
    return np.argwhere((count > 0) & (count < 8))


def _crossings(values: Array, corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Triangles (M, 3, 2) through tetrahedra (N, 4, 3): three corners, each on the edge between two voxels."""
    voxel = np.ravel_multi_index(tuple(np.moveaxis(corners, -1, 0)), values.shape)
    above = values.ravel()[voxel] > 0
    inside = above.sum(axis=1)
    order = np.argsort(~above, axis=1, kind="stable")  # those above come first
    triangles = []
    for count in (1, 2, 3):
        chosen = inside == count
        a, b, c, d = np.take_along_axis(voxel[chosen], order[chosen], axis=1).T
        if count == 1:
            cut = [((a, b), (a, c), (a, d))]
        elif count == 2:
            cut = [((a, c), (a, d), (b, d)), ((a, c), (b, d), (b, c))]
        else:
            cut = [((a, d), (b, d), (c, d))]
        for triangle in cut:
            ends = np.stack([np.stack(edge, axis=-1) for edge in triangle], axis=1)
            triangles.append(_facing_out(ends, values))
    return np.concatenate(triangles)


def _facing_out(ends: NDArray[np.int64], values: Array) -> NDArray[np.int64]:
    """Triangles (M, 3, 2), each edge from above to below; turned so that normals (i, j, k) point below, ends sorted."""
    points = _points(values, ends.reshape(-1, 2)).reshape(-1, 3, 3)
    normal = triangle_normals(points)
    start, end = (_indices(ends[..., n], values.shape) for n in (0, 1))
    wrong = np.einsum("nx,nx->n", normal, (end - start).sum(axis=1)) < 0
    ends[wrong] = ends[wrong][:, ::-1]
    return np.sort(ends, axis=2)


def _points(values: Array, edges: NDArray[np.int64]) -> Array:
    """Crossings (i, j, k) on edges (E, 2) of the padded grid, linear between the ends."""
    low, high = values.ravel()[edges[:, 0]], values.ravel()[edges[:, 1]]
    share = np.clip(low / np.where(low == high, 1, low - high), _NEAREST, 1 - _NEAREST)[:, None]
    start, end = _indices(edges[:, 0], values.shape), _indices(edges[:, 1], values.shape)
    return start + share * (end - start)


def _indices(voxel: NDArray[np.int64], shape: tuple[int, ...]) -> Array:
    return np.stack(np.unravel_index(voxel, shape)[::-1], axis=-1).astype(float)


def _to_ras(ijk: Array, ijk_to_ras: Array) -> Array:
    matrix = np.asarray(ijk_to_ras, float)
    return (ijk - 1) @ matrix[:3, :3].T + matrix[:3, 3]
