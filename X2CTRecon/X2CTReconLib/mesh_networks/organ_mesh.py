"""Deformation modes, a graph residual, and how far each vertex may be off.

The image says first how strongly each mode of this patient's motion is present. Features are then sampled where the
moved vertices project (so they are close to the right place), and a graph network adds what the modes do not hold and
says the standard deviation of every vertex across and along the beam. After Deep-Motion-Net (arXiv 2407.06692) for the
arbitrary angle, Kendall and Gal (NeurIPS 2017) for the deviations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from XRayLib.preparation.layers import ResidualBlock, normalisation

from X2CTReconLib.mesh_networks.layers import GraphStack
from X2CTReconLib.mesh_networks.network import CHANNELS_IN, TOLD, UNIT_MM, Answer, MeshNetwork, as_buffer, to_ras
from X2CTReconLib.mesh_networks.perspective import camera_axes, mm_per_px
from X2CTReconLib.mesh_networks.template import OrganTemplate

STAGES = (1, 2, 4, 8)
LAST_SIDE = 4
GRAPH_LAYERS = 6
GRAPH_CHANNELS = 4
HIDDEN = 16
FIRST_LOG_DEVIATION = -1.0
LOG_DEVIATION_RANGE = 5.0


class OrganMeshNetwork(MeshNetwork):
    """``displacement``; ``log_deviation`` (N, V, 3): of mm along columns, rows and beam; ``coefficients`` (N, M);
    ``by_modes`` (N, V, 3): the displacement before the residual.
    """

    outputs = ("displacement", "log_deviation")

    def __init__(self, template: OrganTemplate, side_px: int, width: int) -> None:
        super().__init__(template, side_px)
        modes = len(template.modes)
        self.register_buffer("mean", as_buffer(template.mean), persistent=False)
        self.register_buffer("modes", as_buffer(template.modes.reshape(modes, -1))[0], persistent=False)
        self.stem = nn.Sequential(
            nn.Conv2d(CHANNELS_IN, width, 5, stride=2, padding=2, bias=False),
            normalisation(width),
            nn.ReLU(inplace=True),
        )
        self.stages = nn.ModuleList()
        channels = width
        for factor in STAGES:
            stride = 1 if factor == STAGES[0] else 2
            self.stages.append(
                nn.Sequential(
                    ResidualBlock(channels, factor * width, stride), ResidualBlock(factor * width, factor * width)
                )
            )
            channels = factor * width
        self.pool = nn.AvgPool2d(side_px // (16 * LAST_SIDE))
        self.mix = nn.Linear(channels * LAST_SIDE**2 + 10, HIDDEN * width)
        self.coefficients = nn.Linear(HIDDEN * width, modes)
        nn.init.normal_(self.coefficients.weight, std=1e-3)
        nn.init.zeros_(self.coefficients.bias)
        self.local = nn.Linear(HIDDEN * width, 2 * width)
        told = width * sum(STAGES) + 2 * width + TOLD + 3
        self.graph = GraphStack(told, GRAPH_CHANNELS * width, GRAPH_LAYERS, 6, template.graph)

    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """See the class."""
        features, x = [], self.stem(contrasts)
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        axes = camera_axes(ras_to_pixel)
        told = [self.pool(x).flatten(1), axes.flatten(1), mm_per_px(ras_to_pixel)]
        whole = torch.relu(self.mix(torch.cat(told, dim=1)))
        coefficients = self.coefficients(whole)
        by_modes = self.mean + torch.matmul(coefficients, self.modes).reshape(-1, self.vertices, 3)
        points = self.everywhere(contrasts) + by_modes
        local = self.local(whole)[:, None].expand(-1, self.vertices, -1)
        before = torch.matmul(by_modes, axes.transpose(1, 2)) / UNIT_MM
        seen = self.seen(features, points, ras_to_pixel)
        found = self.graph(torch.cat([seen, local, self.told(points, ras_to_pixel), before], dim=2))
        deviation = FIRST_LOG_DEVIATION + LOG_DEVIATION_RANGE * torch.tanh(found[..., 3:] / LOG_DEVIATION_RANGE)
        return {
            "displacement": by_modes + to_ras(found[..., :3], ras_to_pixel),
            "log_deviation": deviation + 2.302585,
            "coefficients": coefficients,
            "by_modes": by_modes,
        }
