"""Perspective feature sampling: what the image shows at the place where a vertex is projected, for any camera.

Points are in mm about the organ's middle, in the axes of the CT's RAS; ``ras_to_pixel`` (N, 3, 4) takes them to pixels
of the network's window, with the depth from the source in mm as third component.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NEAREST_MM = 1.0
"""Before the source: nothing of a patient is nearer, and a vertex that strays there must not become infinite."""


def projected(points: Tensor, ras_to_pixel: Tensor) -> Tensor:
    """(N, V, 3) mm -> (N, V, 2) pixel coordinates (column, row), integers at pixel centres."""
    homogeneous = torch.matmul(points, ras_to_pixel[:, :, :3].transpose(1, 2)) + ras_to_pixel[:, None, :, 3]
    return homogeneous[..., :2] / homogeneous[..., 2:].clamp(min=NEAREST_MM)


def sampled(features: Tensor, pixels: Tensor, side_px: int) -> Tensor:
    """Features (N, C, h, w) of an image of ``side_px`` pixels at pixel coordinates (N, V, 2): (N, V, C), bilinear.

    A coarse feature lies in the middle of the pixels that it is made of; beyond the image its border counts.
    """
    grid = (2 * pixels + 1) / side_px - 1
    # PyTorch's sampling on processors corrupts memory for some numbers of channels that are stored last.
    found = functional.grid_sample(
        features.contiguous(), grid[:, :, None], mode="bilinear", padding_mode="border", align_corners=False
    )
    return found[..., 0].transpose(1, 2)


def camera_axes(ras_to_pixel: Tensor) -> Tensor:
    """(N, 3, 3): rotation from RAS to (along the columns, along the rows, along the beam)."""
    normal = _unit(ras_to_pixel[:, 2, :3])
    across = []
    for row in range(2):
        axis = ras_to_pixel[:, row, :3]
        across.append(_unit(axis - (axis * normal).sum(dim=1, keepdim=True) * normal))
    return torch.stack([*across, normal], dim=1)


def mm_per_px(ras_to_pixel: Tensor) -> Tensor:
    """(N, 1): width of a pixel at the organ's middle."""
    normal = ras_to_pixel[:, 2, :3]
    axis = ras_to_pixel[:, 0, :3]
    across = axis - (axis * normal).sum(dim=1, keepdim=True) * normal
    return ras_to_pixel[:, 2, 3:] / torch.sqrt((across * across).sum(dim=1, keepdim=True))


def _unit(vectors: Tensor) -> Tensor:
    return vectors / torch.sqrt((vectors * vectors).sum(dim=-1, keepdim=True))
