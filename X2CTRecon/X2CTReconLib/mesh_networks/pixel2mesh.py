"""Pixel2Mesh (Wang et al., ECCV 2018): a coarse closed surface is deformed and refined in three blocks.

As published: features of three VGG depths at the projected vertices, residual graph networks, edge-based unpooling
between the blocks; Chamfer, normal, Laplacian and edge losses, no vertex correspondence. Changed: the camera is the
film's; the first surface is this patient's organ with few vertices in place of an ellipsoid, as the patient is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.mesh import remeshed
from XRayLib.mesh.surface_graph import unpooling

from X2CTReconLib.mesh_networks.graph import Graph, graph_of
from X2CTReconLib.mesh_networks.layers import GraphStack, VggFeatures
from X2CTReconLib.mesh_networks.network import CHANNELS_IN, TOLD, Answer, MeshNetwork, to_ras
from X2CTReconLib.mesh_networks.template import OrganTemplate

BLOCKS = (2, 3, 4)
GRAPH_LAYERS = 6
GRAPH_CHANNELS = 4
FEWEST_VERTICES, COARSENING = 100, 10
"""Of the first surface: this part of the template's, but no fewer. The published one has 156 and the last 2466."""


@dataclass(frozen=True)
class SurfaceLevels:
    """Three surfaces, each with the vertices of the one before and one on each of its edges.

    ``points`` (V, 3) of the finest, mm about the organ's middle, the coarser ones' first; ``triangles`` of each;
    ``edges``, on which the second's and the third's new vertices lie.
    """

    points: NDArray[np.float64]
    triangles: list[NDArray[np.int64]]
    edges: list[NDArray[np.int64]]

    @cached_property
    def graphs(self) -> list[Graph]:
        """Of each level."""
        return [graph_of(level, int(level.max()) + 1) for level in self.triangles]


class Pixel2MeshNetwork(MeshNetwork):
    """``displacement`` is of the finest vertices from ``self.start``, the organ in the CT at that fineness.

    ``level_1`` and ``level_2`` (N, V_n, 3): vertices of the coarser blocks, mm about the organ's middle.
    """

    def __init__(self, template: OrganTemplate, side_px: int, width: int) -> None:
        levels = surface_levels(template)
        finest = levels.points
        nothing = np.zeros((0, *finest.shape))
        super().__init__(
            OrganTemplate(finest, levels.triangles[-1], template.middle_ras_mm, np.zeros_like(finest), nothing), side_px
        )
        self.coarse_vertices = int(levels.triangles[0].max()) + 1
        for number, ends in enumerate(levels.edges):
            self.register_buffer(f"edge_ends_{number}", torch.from_numpy(ends.ravel()), persistent=False)
        self.features = VggFeatures(CHANNELS_IN, width, BLOCKS)
        channels = GRAPH_CHANNELS * width
        self.stacks = nn.ModuleList()
        for number, graph in enumerate(levels.graphs):
            told = self.features.channels + TOLD + (channels if number else 0)
            self.stacks.append(GraphStack(told, channels, GRAPH_LAYERS, 3, graph))

    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """See the class."""
        features = self.features(contrasts)
        points = self.everywhere(contrasts)[:, : self.coarse_vertices]
        hidden = None
        found: Answer = {}
        for number, stack in enumerate(self.stacks):
            told = [self.seen(features, points, ras_to_pixel), self.told(points, ras_to_pixel)]
            if hidden is not None:
                told.append(hidden)
            hidden = stack.hidden(torch.cat(told, dim=2))
            points = points + to_ras(stack.last(hidden), ras_to_pixel)
            found[f"level_{number + 1}"] = points
            if number < len(self.stacks) - 1:
                ends = getattr(self, f"edge_ends_{number}")
                points, hidden = unpool(points, ends), unpool(hidden, ends)
        found["displacement"] = points - self.start
        return found


def unpool(x: Tensor, ends: Tensor) -> Tensor:
    """(N, V, C) -> (N, V + E, C): the middles of edges, whose ends are (2 E,), become vertices."""
    middles = torch.index_select(x, 1, ends).reshape(x.shape[0], -1, 2, x.shape[2]).mean(dim=2)
    return torch.cat([x, middles], dim=1)


def surface_levels(template: OrganTemplate) -> SurfaceLevels:
    """The first surface: the organ in the CT, meshed again with a tenth of the vertices."""
    coarse = coarse_surface(SurfaceMesh(template.points, template.triangles))
    points = np.asarray(coarse.points, float)
    triangles, edges = [np.asarray(coarse.triangles, np.int64)], []
    for _ in range(2):
        finer = unpooling(triangles[-1], len(points))
        edges.append(finer.edges)
        triangles.append(finer.triangles)
        points = finer.unpooled(points)
    return SurfaceLevels(points, triangles, edges)


def coarse_surface(organ: SurfaceMesh) -> SurfaceMesh:
    """A tenth of the vertices, or as few as the organ's thin parts allow."""
    wanted = max(FEWEST_VERTICES, len(organ.points) // COARSENING)
    while True:
        try:
            return remeshed(organ, vertices=wanted)
        except InputError:
            wanted = round(1.4 * wanted)
            if wanted > len(organ.points):
                return organ
