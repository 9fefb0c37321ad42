"""IGCN+ (Nakao et al., IEEE TMI 41(12), 2022): a U-Net maps the displacement, a graph network makes it a shape.

As published: the map has three channels, a displacement in space for every pixel; its values at the projected vertices
and the vertices' coordinates go into ten graph convolutions with averaging skips. Changed: any camera, displacements
along its axes, in place of the rendered silhouette of the start; the loss on the map is taken where vertices project.
"""

from __future__ import annotations

import torch
from torch import Tensor

from X2CTReconLib.mesh_networks.layers import GraphStack, UNet
from X2CTReconLib.mesh_networks.network import CHANNELS_IN, TOLD, Answer, MeshNetwork, to_ras
from X2CTReconLib.mesh_networks.template import OrganTemplate

LEVELS = 6
GRAPH_LAYERS = 10
PUBLISHED_WIDTH, GRAPH_CHANNELS = 20, 12.8
"""Of the U-Net; 256 graph channels as published."""


class IgcnPlusNetwork(MeshNetwork):
    """``displacement``, and ``mapping`` (N, V, 3): the map at the vertices, camera axes, units of 10 mm."""

    def __init__(self, template: OrganTemplate, side_px: int, width: int) -> None:
        super().__init__(template, side_px)
        self.map = UNet(CHANNELS_IN, width, LEVELS, 3)
        self.graph = GraphStack(3 + TOLD, 8 * round(GRAPH_CHANNELS * width / 8), GRAPH_LAYERS, 3, template.graph)

    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """See the class."""
        start = self.everywhere(contrasts)
        mapping = self.seen([self.map(contrasts)], start, ras_to_pixel)
        moved = mapping + self.graph(torch.cat([mapping, self.told(start, ras_to_pixel)], dim=2))
        return {"displacement": to_ras(moved, ras_to_pixel), "mapping": mapping}
