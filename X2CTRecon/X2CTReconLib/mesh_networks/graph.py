"""A triangle surface as graph networks take it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.mesh.surface_graph import edges_of, neighbours_of

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Graph:
    """``edges`` (E, 2), each once; ``neighbours`` (V, K) with each vertex itself first, filled up with itself;
    ``weights`` (V, K): 1 / (1 + degree) for the vertex and each neighbour, 0 for what fills up.

    A weighted sum over the neighbours is the product with D^-1 (A + I) (Kipf and Welling, ICLR 2017, by rows).
    """

    edges: Indices
    neighbours: Indices
    weights: NDArray[np.float32]


def graph_of(triangles: Indices, vertices: int) -> Graph:
    """The graph of a surface's edges."""
    neighbours, real = neighbours_of(triangles, vertices)
    counted = np.concatenate([np.ones((vertices, 1), bool), real], axis=1)
    weights = counted / counted.sum(axis=1, keepdims=True)
    both = np.concatenate([np.arange(vertices)[:, None], neighbours], axis=1)
    return Graph(edges_of(triangles), both.astype(np.int64), weights.astype(np.float32))
