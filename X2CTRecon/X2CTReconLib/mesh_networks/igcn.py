"""IGCN (Nakao et al., MICCAI 2021, arXiv 2108.12533): image features at the projected vertices deform a graph.

As published: VGG-16 extended to features of several depths, trained without pretraining; features at the template's
projections and vertex coordinates go into graph convolutions; beside the shape the image learns the mapping of the
projected vertices. Changed: the published network knows one view; here the vertices are projected by the film's own
camera, the network is told where it looks, and answers along its axes. Widths are those of the preparation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from X2CTReconLib.mesh_networks.layers import GraphStack, VggFeatures
from X2CTReconLib.mesh_networks.network import CHANNELS_IN, TOLD, Answer, MeshNetwork, to_ras
from X2CTReconLib.mesh_networks.template import OrganTemplate

BLOCKS = (1, 2, 3, 4)
GRAPH_LAYERS = 10
PUBLISHED_WIDTH, GRAPH_CHANNELS = 64, 4
"""Of VGG-16; graph channels are GRAPH_CHANNELS times the width, 256 as published."""


class IgcnNetwork(MeshNetwork):
    """``displacement``, and ``mapping`` (N, V, 2): where the projections go, units of 10 mm at the organ's depth."""

    def __init__(self, template: OrganTemplate, side_px: int, width: int) -> None:
        super().__init__(template, side_px)
        self.features = VggFeatures(CHANNELS_IN, width, BLOCKS)
        self.mapping = nn.Linear(self.features.channels, 2)
        channels = GRAPH_CHANNELS * width
        self.graph = GraphStack(self.features.channels + 2 + TOLD, channels, GRAPH_LAYERS, 3, template.graph)

    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """See the class."""
        start = self.everywhere(contrasts)
        seen = self.seen(self.features(contrasts), start, ras_to_pixel)
        mapping = self.mapping(seen)
        told = torch.cat([seen, mapping, self.told(start, ras_to_pixel)], dim=2)
        return {"displacement": to_ras(self.graph(told), ras_to_pixel), "mapping": mapping}
