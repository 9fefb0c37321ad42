"""What all mesh networks share: the template, the camera, the units."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from X2CTReconLib.mesh_networks.perspective import camera_axes, projected, sampled
from X2CTReconLib.mesh_networks.template import OrganTemplate

UNIT_MM = 10.0
"""Of displacements inside the networks and of their losses."""
PLACE_MM = 100.0
"""Of coordinates that networks are told."""
CHANNELS_IN = 2
TOLD = 9

Answer = dict[str, Tensor]


class MeshNetwork(nn.Module, ABC):
    """From a film's window and its camera to a surface.

    Subclasses define ``answer``, which gives at least ``displacement`` (N, V, 3), mm in RAS from ``self.start``, and
    what their loss needs beside it.
    """

    outputs: tuple[str, ...] = ("displacement",)

    def __init__(self, template: OrganTemplate, side_px: int) -> None:
        super().__init__()
        self.side_px = side_px
        self.vertices = len(template.points)
        self.register_buffer("start", as_buffer(template.points), persistent=False)

    @abstractmethod
    def answer(self, contrasts: Tensor, ras_to_pixel: Tensor) -> Answer:
        """Everything by name."""

    def forward(self, contrasts: Tensor, ras_to_pixel: Tensor) -> tuple[Tensor, ...]:
        """The outputs of the exported graph.

        Parameters
        ----------
        contrasts : (N, 2, side, side)
        ras_to_pixel : (N, 3, 4)
            From mm about the organ's middle to the window's pixels, depth in mm.
        """
        found = self.answer(contrasts, ras_to_pixel)
        return tuple(found[name] for name in self.outputs)

    def told(self, points: Tensor, ras_to_pixel: Tensor) -> Tensor:
        """(N, V, 9): where the points are in the patient and before the camera, and where the camera looks."""
        axes = camera_axes(ras_to_pixel)
        before = torch.matmul(points, axes.transpose(1, 2))
        looks = axes[:, 2:].expand(-1, points.shape[1], -1)
        return torch.cat([points / PLACE_MM, before / PLACE_MM, looks], dim=2)

    def seen(self, features: list[Tensor], points: Tensor, ras_to_pixel: Tensor) -> Tensor:
        """(N, V, sum of channels): all features where the points are projected."""
        pixels = projected(points, ras_to_pixel)
        return torch.cat([sampled(level, pixels, self.side_px) for level in features], dim=2)

    def everywhere(self, contrasts: Tensor) -> Tensor:
        """The start, once per film: (N, V, 3)."""
        return self.start.expand(contrasts.shape[0], -1, -1)


def to_ras(camera_units: Tensor, ras_to_pixel: Tensor) -> Tensor:
    """(N, V, 3) along the camera's axes, in units of 10 mm, as mm in RAS."""
    return torch.matmul(camera_units, camera_axes(ras_to_pixel)) * UNIT_MM


def as_buffer(values: object) -> Tensor:
    """(1, ...) single precision."""
    return torch.as_tensor(values, dtype=torch.float32)[None]
