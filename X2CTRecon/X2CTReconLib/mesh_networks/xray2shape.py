"""X-ray2Shape (Tong et al., EMBC 2020): image features at the projections of a mean shape, and a graph network.

As published: a mean template, VGG features of three depths as in Pixel2Mesh, graph convolutions to a displacement. The
mean is that of this patient's motion states; the vertices are projected by the film's own camera.
"""

from __future__ import annotations

import torch
from torch import Tensor

from X2CTReconLib.mesh_networks.layers import GraphStack, VggFeatures
from X2CTReconLib.mesh_networks.network import CHANNELS_IN, TOLD, Answer, MeshNetwork, as_buffer, to_ras
from X2CTReconLib.mesh_networks.template import OrganTemplate

BLOCKS = (2, 3, 4)
GRAPH_LAYERS = 6
GRAPH_CHANNELS = 4


class Xray2ShapeNetwork(MeshNetwork):
    """``displacement`` from the template; the mean shape is in it."""

    def __init__(self, template: OrganTemplate, side_px: int, width: int) -> None:
        super().__init__(template, side_px)
        self.register_buffer("mean", as_buffer(template.mean), persistent=False)
        self.features = VggFeatures(CHANNELS_IN, width, BLOCKS)
        channels = GRAPH_CHANNELS * width
        self.graph = GraphStack(self.features.channels + TOLD, channels, GRAPH_LAYERS, 3, template.graph)

    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """See the class."""
        mean_shape = self.everywhere(contrasts) + self.mean
        seen = self.seen(self.features(contrasts), mean_shape, ras_to_pixel)
        told = torch.cat([seen, self.told(mean_shape, ras_to_pixel)], dim=2)
        return {"displacement": self.mean + to_ras(self.graph(told), ras_to_pixel)}
