"""Losses of the mesh networks. Points are (N, V, 3); all in units of 10 mm unless said otherwise."""

from __future__ import annotations

import torch
from torch import Tensor

from X2CTReconLib.mesh_networks.layers import NeighbourMean


def squared_distance(found: Tensor, true: Tensor) -> Tensor:
    """Mean squared distance of corresponding points: IGCN's position and mapping losses."""
    return ((found - true) ** 2).sum(dim=-1).mean()


def distance(found: Tensor, true: Tensor) -> Tensor:
    """Mean distance of corresponding points."""
    return torch.sqrt(((found - true) ** 2).sum(dim=-1) + 1e-8).mean()


def laplacian(displacement: Tensor, mean: NeighbourMean) -> Tensor:
    """Mean squared change of the Laplacian coordinates: of uneven displacement among neighbours."""
    return ((displacement - mean(displacement)) ** 2).sum(dim=-1).mean()


def nearest(points: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """(N, V) which of ``others`` (N, W, 3) is nearest to each of ``points`` (N, V, 3), and (N, W) the other way."""
    with torch.no_grad():
        between = torch.cdist(points, others)
        return between.argmin(dim=2), between.argmin(dim=1)


def chosen(points: Tensor, numbers: Tensor) -> Tensor:
    """(N, V, 3): for each of ``numbers`` (N, V) the point of that number."""
    return torch.gather(points, 1, numbers[..., None].expand(-1, -1, 3))


def chamfer(found: Tensor, true: Tensor, pairs: tuple[Tensor, Tensor]) -> Tensor:
    """Mean squared distance to the nearest point of the other set, both ways (Fan et al., CVPR 2017).

    ``pairs``: ``nearest(found, true)``. Gradients go to the pairs alone, not through all distances.
    """
    to_true, to_found = pairs
    return squared_distance(found, chosen(true, to_true)) + squared_distance(chosen(found, to_found), true)


def normal(points: Tensor, edges: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared cosine between edges (E, 2) and the true surface's normals at their first ends, of (N, V, 3)."""
    sides = along(points, edges)
    sides = sides / torch.sqrt((sides**2).sum(dim=-1, keepdim=True) + 1e-8)
    return ((sides * torch.index_select(wanted, 1, edges[:, 0])).sum(dim=-1) ** 2).mean()


def along(points: Tensor, edges: Tensor) -> Tensor:
    """(N, E, 3): from the first end of every edge to the second."""
    return torch.index_select(points, 1, edges[:, 1]) - torch.index_select(points, 1, edges[:, 0])


def edge_change(points: Tensor, true: Tensor, edges: Tensor) -> Tensor:
    """Mean squared difference of edge vectors from the true ones."""
    return (along(points - true, edges) ** 2).sum(dim=-1).mean()


def gaussian_nll(error_mm: Tensor, log_deviation: Tensor) -> Tensor:
    """Mean negative log likelihood of errors in mm; gradients reach the deviations alone."""
    return (log_deviation + 0.5 * error_mm.detach() ** 2 * torch.exp(-2 * log_deviation)).mean()


def volume_of(points: Tensor, triangles: Tensor) -> Tensor:
    """(N,) enclosed volume."""
    a, b, c = (points[:, triangles[:, n]] for n in range(3))
    return (a * torch.linalg.cross(b, c)).sum(dim=(1, 2)) / 6


def vertex_normals(points: Tensor, triangles: Tensor) -> Tensor:
    """(N, V, 3) unit normals, weighted by the triangles' areas."""
    a, b, c = (points[:, triangles[:, n]] for n in range(3))
    faces = torch.linalg.cross(b - a, c - a)
    found = torch.zeros_like(points)
    for n in range(3):
        found = found.index_add(1, triangles[:, n], faces)
    return found / torch.sqrt((found**2).sum(dim=-1, keepdim=True) + 1e-12)
