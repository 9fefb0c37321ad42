"""A dense surface as one of few, even triangles.

The dense mesh's vertices are gathered into clusters of least inertia, a centroidal Voronoi diagram on the surface; the
clusters' middles are the new vertices, and three clusters that meet make a triangle (Valette and Chassery,
"Approximated centroidal Voronoi diagrams for uniform polygonal mesh coarsening", Computer Graphics Forum 23(3):381,
2004).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.mesh.surface_graph import edges_of, triangle_normals
from XRayLib.metrics.mesh_solid import is_closed

SWEEPS = 200
ATTEMPTS = 8


def evenly_meshed(dense: SurfaceMesh, vertices: int) -> SurfaceMesh | None:
    """About ``vertices`` vertices on a closed surface of at least ten times as many; None where it does not come out
    closed, which happens when the surface has parts thinner than the new triangles."""
    points, triangles = np.asarray(dense.points, float), np.asarray(dense.triangles, np.int64)
    edges, weights = edges_of(triangles), _areas_of_vertices(points, triangles)
    for attempt in range(ATTEMPTS):
        seeds = _spread_seeds(points, weights, vertices, np.random.default_rng(attempt))
        cluster = _clustered(points, weights, edges, seeds)
        coarse = _dual(points, weights, triangles, cluster, len(seeds))
        if is_closed(coarse) and _is_disc_at_every_vertex(coarse):
            return coarse
    return None


def _is_disc_at_every_vertex(mesh: SurfaceMesh) -> bool:
    """Whether the triangles around every vertex of a closed mesh make one fan of three or more: no pinch, no fin."""
    import scipy.sparse
    import scipy.sparse.csgraph

    triangles, count = mesh.triangles, 3 * len(mesh.triangles)
    start, end = triangles.ravel(), np.roll(triangles, -1, axis=1).ravel()
    corner = np.arange(count)  # of the triangle, at the edge's start
    next_corner = np.roll(corner.reshape(-1, 3), -1, axis=1).ravel()
    forward, backward = np.lexsort((end, start)), np.lexsort((start, end))  # the same edge in both triangles
    links = np.concatenate(
        [
            np.stack([corner[forward], next_corner[backward]], axis=1),
            np.stack([next_corner[forward], corner[backward]], axis=1),
        ]
    )
    graph = scipy.sparse.coo_matrix((np.ones(len(links)), links.T), (count, count))
    fans = scipy.sparse.csgraph.connected_components(graph, directed=False, return_labels=False)
    return fans == len(mesh.points) and int(np.bincount(triangles.ravel()).min()) >= 3


def _areas_of_vertices(points: NDArray, triangles: NDArray) -> NDArray[np.float64]:
    """A third of the adjoining triangles' area."""
    area = np.linalg.norm(triangle_normals(points[triangles]), axis=1) / 6
    return np.bincount(triangles.ravel(), np.repeat(area, 3), len(points))


def _spread_seeds(points: NDArray, weights: NDArray, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Vertices spread by area: the farthest of a few random candidates, one after another (Mitchell, SIGGRAPH 1991)."""
    from scipy.spatial import cKDTree

    candidates = rng.choice(len(points), size=min(len(points), 8 * count), replace=False, p=weights / weights.sum())
    radius = np.sqrt(weights.sum() / count) * 0.75
    near = cKDTree(points[candidates]).query_ball_point(points[candidates], radius)
    free, seeds = np.ones(len(candidates), bool), []
    for n, around in enumerate(near):
        if free[n]:
            seeds.append(candidates[n])
            free[around] = False
    return np.array(seeds, np.int64)


def _clustered(points: NDArray, weights: NDArray, edges: NDArray, seeds: NDArray) -> NDArray[np.int64]:
    cluster = np.full(len(points), -1, np.int64)
    cluster[seeds] = np.arange(len(seeds))
    for _ in range(5):
        _grow(cluster, edges)
        _settle(points, weights, edges, cluster, len(seeds))
        if not _drop_islands(cluster, edges, weights):
            break
    return cluster


@njit(nogil=True, cache=True)
def _grow(cluster, edges):  # numba infers the types
    """Give every vertex without a cluster its neighbour's, ring by ring."""
    changed = True
    while changed:
        changed = False
        before = cluster.copy()
        for n in range(len(edges)):
            a, b = edges[n, 0], edges[n, 1]
            if before[a] < 0 and before[b] >= 0 and cluster[a] < 0:
                cluster[a] = before[b]
                changed = True
            elif before[b] < 0 and before[a] >= 0 and cluster[b] < 0:
                cluster[b] = before[a]
                changed = True


@njit(nogil=True, cache=True)
def _settle(points, weights, edges, cluster, count):
    """Pass vertices between adjoining clusters while the total inertia falls."""
    sums, masses = np.zeros((count, 3)), np.zeros(count)
    sizes = np.zeros(count, np.int64)
    for n in range(len(points)):
        c = cluster[n]
        masses[c] += weights[n]
        sizes[c] += 1
        for axis in range(3):
            sums[c, axis] += weights[n] * points[n, axis]
    for _ in range(SWEEPS):
        moved = 0
        for n in range(len(edges)):
            for direction in range(2):
                vertex, other = edges[n, direction], edges[n, 1 - direction]
                old, new = cluster[vertex], cluster[other]
                if old == new or sizes[old] == 1:
                    continue
                if _gain(points[vertex], weights[vertex], sums, masses, old, new) > 1e-9:
                    cluster[vertex] = new
                    masses[old] -= weights[vertex]
                    masses[new] += weights[vertex]
                    sizes[old] -= 1
                    sizes[new] += 1
                    for axis in range(3):
                        sums[old, axis] -= weights[vertex] * points[vertex, axis]
                        sums[new, axis] += weights[vertex] * points[vertex, axis]
                    moved += 1
        if moved == 0:
            break


@njit(nogil=True, cache=True)
def _gain(point, weight, sums, masses, old, new):
    """By how much inertia falls when a vertex changes from one cluster to another: |sum|^2 / mass rises by as much."""
    before, after = 0.0, 0.0
    for axis in range(3):
        before += sums[old, axis] ** 2 / masses[old] + sums[new, axis] ** 2 / masses[new]
        after += (sums[old, axis] - weight * point[axis]) ** 2 / (masses[old] - weight)
        after += (sums[new, axis] + weight * point[axis]) ** 2 / (masses[new] + weight)
    return after - before


def _drop_islands(cluster: NDArray, edges: NDArray, weights: NDArray) -> bool:
    """Take from each cluster all but its largest connected part (in place); whether there was any."""
    import scipy.sparse
    import scipy.sparse.csgraph

    inside = edges[cluster[edges[:, 0]] == cluster[edges[:, 1]]]
    graph = scipy.sparse.coo_matrix((np.ones(len(inside)), inside.T), (len(cluster), len(cluster)))
    count, part = scipy.sparse.csgraph.connected_components(graph, directed=False)
    areas = np.bincount(part, weights, count)
    owner = np.zeros(count, np.int64)
    owner[part] = cluster
    order = np.lexsort((-areas, owner))
    _, first = np.unique(owner[order], return_index=True)
    kept = np.zeros(count, bool)
    kept[order[first]] = True
    cluster[~kept[part]] = -1
    return not kept.all()


def _dual(points: NDArray, weights: NDArray, triangles: NDArray, cluster: NDArray, count: int) -> SurfaceMesh:
    """One vertex for each cluster, one triangle where three meet."""
    masses = np.bincount(cluster, weights, count)
    middles = np.stack([np.bincount(cluster, weights * points[:, n], count) / masses for n in range(3)], axis=1)
    corners = cluster[triangles]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    first = np.argmin(corners, axis=1)  # the same triangle always starts at its lowest vertex
    turned = np.take_along_axis(corners, (first[:, None] + np.arange(3)) % 3, axis=1)
    used, numbers = np.unique(turned, return_inverse=True)
    return SurfaceMesh(middles[used], np.unique(numbers.reshape(-1, 3), axis=0))
