"""Wu et al. (IEEE BHI 2019): a CNN regresses the coefficients of a deformation model of one patient.

As published: thousands of shapes and images are made from one patient's template by a deformation model; a CNN reads
the model's coefficients off a single image. The model here is the motion model's principal modes at the vertices; the
images are radiographs of any angle, which the network is told.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from X2CTReconLib.mesh_networks.layers import VggFeatures
from X2CTReconLib.mesh_networks.network import CHANNELS_IN, Answer, MeshNetwork, as_buffer
from X2CTReconLib.mesh_networks.perspective import camera_axes
from X2CTReconLib.mesh_networks.template import OrganTemplate

LAST_SIDE = 4
HIDDEN = 16


class LungShapeNetwork(MeshNetwork):
    """``displacement``, and ``coefficients`` (N, M) in standard deviations of the modes."""

    def __init__(self, template: OrganTemplate, side_px: int, width: int) -> None:
        super().__init__(template, side_px)
        modes = len(template.modes)
        self.register_buffer("mean", as_buffer(template.mean), persistent=False)
        self.register_buffer("modes", as_buffer(template.modes.reshape(modes, -1))[0], persistent=False)
        self.features = VggFeatures(CHANNELS_IN, width, (4,))
        self.pool = nn.AvgPool2d(side_px // (16 * LAST_SIDE))
        self.mix = nn.Linear(self.features.last_channels * LAST_SIDE**2 + 9, HIDDEN * width)
        self.last = nn.Linear(HIDDEN * width, modes)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)

    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """See the class."""
        deep = self.pool(self.features(contrasts)[0]).flatten(1)
        told = torch.cat([deep, camera_axes(ras_to_pixel).flatten(1)], dim=1)
        coefficients = self.last(torch.relu(self.mix(told)))
        moved = torch.matmul(coefficients, self.modes).reshape(-1, self.vertices, 3)
        return {"displacement": self.mean + moved, "coefficients": coefficients}
