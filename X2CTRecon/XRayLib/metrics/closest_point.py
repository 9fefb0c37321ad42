"""The closest point of a triangle mesh, exactly, without a graphics library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh

Points = NDArray[np.float64]

_FIRST_CANDIDATES = 4
_CHUNK = 4096
"""Points treated at once, which bounds the memory."""


class ClosestPoint:
    """Answers for one mesh which of its points lies nearest to given points."""

    def __init__(self, mesh: SurfaceMesh) -> None:
        from scipy.spatial import cKDTree

        self._corners = np.asarray(mesh.points, float)[np.asarray(mesh.triangles)]
        centers = self._corners.mean(axis=1)
        self._radii = np.linalg.norm(self._corners - centers[:, None], axis=2).max(axis=1)
        self._tree = cKDTree(centers)

    def __call__(self, points: Points) -> tuple[Points, NDArray[np.float64]]:
        """Closest surface points (N, 3) and their distances (N,) for points (N, 3).

        The triangles with the nearest centres bound the distance; then all that may be nearer are tried.
        """
        points = np.asarray(points, float).reshape(-1, 3)
        found = [self._closest(part) for part in np.array_split(points, len(points) // _CHUNK + 1)]
        closest = np.concatenate(found)
        return closest, np.linalg.norm(closest - points, axis=1)

    def _closest(self, points: Points) -> Points:
        count = min(_FIRST_CANDIDATES, len(self._corners))
        _, triangles = self._tree.query(points, k=count)
        owner, triangles = np.repeat(np.arange(len(points)), count), triangles.reshape(-1)
        closest, distance = self._best(points, owner, triangles)
        near = self._tree.query_ball_point(points, distance + self._radii.max(), return_sorted=False)
        owner = np.repeat(np.arange(len(points)), [len(candidates) for candidates in near])
        triangles = np.concatenate([np.asarray(candidates, np.int64) for candidates in near])
        to_center = np.linalg.norm(self._tree.data[triangles] - points[owner], axis=1)
        may_be_nearer = to_center - self._radii[triangles] < distance[owner]
        owner, triangles = owner[may_be_nearer], triangles[may_be_nearer]
        others, other_distance = self._best(points, owner, triangles)
        return np.where((other_distance < distance)[:, None], others, closest)

    def _best(self, points: Points, owner: NDArray[np.int64], triangles: NDArray[np.int64]) -> tuple[Points, Points]:
        """Of the pairs of a point (``owner``, ascending) and a triangle, each point's nearest."""
        candidates = closest_on_triangles(points[owner], self._corners[triangles])
        gap = np.linalg.norm(candidates - points[owner], axis=1)
        order = np.lexsort((gap, owner))
        first = order[np.unique(owner[order], return_index=True)[1]]
        closest, distance = np.empty_like(points), np.full(len(points), np.inf)
        closest[owner[first]], distance[owner[first]] = candidates[first], gap[first]
        return closest, distance


def closest_on_triangles(points: Points, corners: NDArray[np.float64]) -> Points:
    """Closest point of each triangle: points (..., 3), corners (..., 3, 3), broadcast -> (..., 3).

    By the Voronoi regions of the triangle's corners and edges (Ericson, Real-Time Collision Detection, 2005, 5.1.5).
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, bc = b - a, c - a, c - b
    along_ab = _clamped_ratio(_dot(points - a, ab), _dot(ab, ab))
    along_ac = _clamped_ratio(_dot(points - a, ac), _dot(ac, ac))
    along_bc = _clamped_ratio(_dot(points - b, bc), _dot(bc, bc))
    on_edges = np.stack(
        [a + along_ab[..., None] * ab, a + along_ac[..., None] * ac, b + along_bc[..., None] * bc], axis=-2
    )
    nearest_edge = np.argmin(np.linalg.norm(on_edges - points[..., None, :], axis=-1), axis=-1)
    result = np.take_along_axis(on_edges, nearest_edge[..., None, None], axis=-2)[..., 0, :]
    normal = np.cross(ab, ac)
    area_squared = _dot(normal, normal)
    flat = area_squared == 0
    offset = np.broadcast_to(points, result.shape) - a
    area_squared = np.where(flat, 1.0, area_squared)
    weight_c = _dot(np.cross(ab, offset), normal) / area_squared
    weight_b = _dot(np.cross(offset, ac), normal) / area_squared
    inside = (weight_b >= 0) & (weight_c >= 0) & (weight_b + weight_c <= 1) & ~flat
    in_plane = a + weight_b[..., None] * ab + weight_c[..., None] * ac
    return np.where(inside[..., None], in_plane, result)


def _dot(first: Points, second: Points) -> NDArray[np.float64]:
    return np.sum(first * second, axis=-1)


def _clamped_ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(numerator / np.where(denominator == 0, 1.0, denominator), 0.0, 1.0)
