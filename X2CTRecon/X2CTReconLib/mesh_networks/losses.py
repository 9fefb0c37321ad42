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


def chamfer(found: Tensor, true: Tensor) -> Tensor:
    """Mean squared distance to the nearest point of the other set, both ways (Fan et al., CVPR 2017)."""
    between = torch.cdist(found, true)
    return (between.amin(dim=2) ** 2).mean() + (between.amin(dim=1) ** 2).mean()


def normal(points: Tensor, edges: Tensor, true: Tensor, true_normals: Tensor) -> Tensor:
    """Mean squared cosine between edges at a vertex and the true surface's normal where it is nearest.

    ``edges`` (E, 2); ``true_normals`` (N, W, 3) of the points ``true`` (N, W, 3).
    """
    with torch.no_grad():
        nearest = torch.cdist(points, true).argmin(dim=2)
        wanted = torch.gather(true_normals, 1, nearest[..., None].expand(-1, -1, 3))
    sides = points[:, edges[:, 1]] - points[:, edges[:, 0]]
    sides = sides / torch.sqrt((sides**2).sum(dim=-1, keepdim=True) + 1e-8)
    return ((sides * wanted[:, edges[:, 0]]).sum(dim=-1) ** 2).mean()


def edge_length(points: Tensor, edges: Tensor) -> Tensor:
    """Mean squared length of edges."""
    return ((points[:, edges[:, 1]] - points[:, edges[:, 0]]) ** 2).sum(dim=-1).mean()


def edge_change(points: Tensor, true: Tensor, edges: Tensor) -> Tensor:
    """Mean squared difference of edge vectors from the true ones."""
    return (
        ((points[:, edges[:, 1]] - points[:, edges[:, 0]] - true[:, edges[:, 1]] + true[:, edges[:, 0]]) ** 2)
        .sum(dim=-1)
        .mean()
    )


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
