"""A triangle mesh as a graph: edges, neighbours, Laplacian, and finer meshes of the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse

Triangles = NDArray[np.int64]
Edges = NDArray[np.int64]


@dataclass(frozen=True)
class Unpooling:
    """Every triangle into four: the old vertices stay first, then one new vertex in the middle of every edge."""

    edges: Edges
    """(E, 2): the ends between which new vertex number V + e lies."""
    triangles: Triangles
    """(4 M, 3)."""

    def unpooled(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values (V, ...) at the old vertices as (V + E, ...), the mean of both ends at the new ones."""
        return np.concatenate([values, 0.5 * (values[self.edges[:, 0]] + values[self.edges[:, 1]])])


def edges_of(triangles: Triangles) -> Edges:
    """Every edge once, (E, 2), the lower vertex first, in ascending order."""
    triangles = np.asarray(triangles, np.int64)
    both = np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]])
    return np.unique(np.sort(both, axis=1), axis=0)


def directed_edges(triangles: Triangles) -> Edges:
    """Every edge in both directions, (2 E, 2), as graph networks want them."""
    edges = edges_of(triangles)
    return np.concatenate([edges, edges[:, ::-1]])


def neighbours_of(triangles: Triangles, vertices: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Neighbours of every vertex, (vertices, most), filled up with the vertex itself, and which of them are real."""
    edges = directed_edges(triangles)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    degree = np.bincount(edges[:, 0], minlength=vertices)
    place = np.arange(len(edges)) - np.repeat(np.cumsum(degree) - degree, degree)
    neighbours = np.repeat(np.arange(vertices)[:, None], max(1, int(degree.max(initial=0))), axis=1)
    real = np.zeros(neighbours.shape, bool)
    neighbours[edges[:, 0], place] = edges[:, 1]
    real[edges[:, 0], place] = True
    return neighbours, real


def normalized_adjacency(triangles: Triangles, vertices: int) -> scipy.sparse.csr_matrix:
    """D^-1 (A + I): the mean over a vertex and its neighbours (Kipf and Welling, ICLR 2017, row-normalised)."""
    import scipy.sparse

    edges = directed_edges(triangles)
    ones = np.ones(len(edges) + vertices, np.float32)
    rows, columns = (np.concatenate([edges[:, n], np.arange(vertices)]) for n in (0, 1))
    summed = scipy.sparse.csr_matrix((ones, (rows, columns)), (vertices, vertices))
    return scipy.sparse.diags(1.0 / np.asarray(summed.sum(axis=1)).ravel()).dot(summed).tocsr()


def laplacian(triangles: Triangles, vertices: int) -> scipy.sparse.csr_matrix:
    """I - D^-1 A, uniform weights: a vertex less the mean of its neighbours."""
    import scipy.sparse

    edges = directed_edges(triangles)
    adjacency = scipy.sparse.csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (vertices, vertices))
    degree = np.maximum(np.asarray(adjacency.sum(axis=1)).ravel(), 1)
    return (scipy.sparse.identity(vertices) - scipy.sparse.diags(1 / degree).dot(adjacency)).tocsr()


def unpooling(triangles: Triangles, vertices: int) -> Unpooling:
    """How a mesh becomes one of four times as many triangles (Wang et al., Pixel2Mesh, ECCV 2018, 3.3)."""
    triangles = np.asarray(triangles, np.int64)
    both = np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]])
    edges, number = np.unique(np.sort(both, axis=1), axis=0, return_inverse=True)
    ab, bc, ca = vertices + number.reshape(3, -1)
    a, b, c = triangles.T
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return Unpooling(edges, np.concatenate([np.stack(part, axis=1) for part in parts]))


def triangle_normals(corners: NDArray[np.floating]) -> NDArray[np.floating]:
    """Normals (T, 3) of triangles with these corners (T, 3, 3), each as long as twice the triangle's area."""
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def area_normals(points: NDArray[np.floating], triangles: Triangles) -> NDArray[np.float64]:
    """Sum (V, 3) of the adjoining triangles' normals, each as long as twice its area; of a closed surface six times the
    change of its volume with each vertex."""
    points, triangles = np.asarray(points, float), np.asarray(triangles, np.int64)
    by_triangle = triangle_normals(points[triangles])
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], by_triangle)
    return normals


def vertex_normals(points: NDArray[np.floating], triangles: Triangles) -> NDArray[np.float64]:
    """Unit normals (V, 3): the mean of the adjoining triangles' by area; 0 where there are none."""
    normals = area_normals(points, triangles)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1)
