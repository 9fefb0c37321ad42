"""Building blocks that both networks share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

GROUP_CHANNELS = 8
"""Channels per group of GroupNorm (Wu and He, ECCV 2018): independent of the batch, so small batches do."""


def normalisation(channels: int) -> nn.GroupNorm:
    """GroupNorm with about GROUP_CHANNELS channels in each group."""
    groups = max(1, channels // GROUP_CHANNELS)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


class ConvolutionPair(nn.Module):
    """Two 3x3 convolutions with normalisation and ReLU, as at every level of a U-Net."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            normalisation(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            normalisation(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) -> (N, channels, H, W)."""
        return self.layers(x)


class ResidualBlock(nn.Module):
    """The basic block of ResNet (He et al., CVPR 2016) with GroupNorm."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.first_norm = normalisation(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = normalisation(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) -> (N, channels, H / stride, W / stride)."""
        inner = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(inner)) + self.shortcut(x))
