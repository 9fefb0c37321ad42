"""Building blocks of the lifting network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GROUPS = 8


class Residual(nn.Module):
    """Two 3x3(x3) convolutions with normalisation before each (He et al. 2016, pre-activation), in 2D or 3D."""

    def __init__(self, channels: int, dimensions: int) -> None:
        super().__init__()
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, channels) for _ in range(2))
        self.convolutions = nn.ModuleList(convolution(channels, channels, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.convolutions[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        y = x
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            y = convolution(F.relu(norm(y)))
        return x + y


class GlobalContext(nn.Module):
    """Self-attention between all voxels of the coarsest grid, then a perceptron (a transformer block)."""

    def __init__(self, channels: int, voxels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Parameter(0.02 * torch.randn(1, voxels, channels))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.to_query_key_value = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.perceptron = nn.Sequential(nn.Linear(channels, 2 * channels), nn.ReLU(), nn.Linear(2 * channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, n, n, n), same shape."""
        channels, side = x.shape[1], x.shape[2]
        tokens = x.flatten(2).transpose(1, 2) + self.position
        query, key, value = (
            part.reshape(-1, tokens.shape[1], self.heads, channels // self.heads).transpose(1, 2)
            for part in self.to_query_key_value(self.norms[0](tokens)).chunk(3, dim=-1)
        )
        weights = torch.softmax(query @ key.transpose(2, 3) * (channels // self.heads) ** -0.5, dim=-1)
        tokens = tokens + self.out((weights @ value).transpose(1, 2).reshape(-1, tokens.shape[1], channels))
        tokens = tokens + self.perceptron(self.norms[1](tokens))
        return tokens.transpose(1, 2).reshape(-1, channels, side, side, side)


def packed(volume: Tensor) -> Tensor:
    """(N, C, 2n, 2n, 2n) -> (N, 8C, n, n, n): eight neighbours become channels."""
    count, channels, side = volume.shape[0], volume.shape[1], volume.shape[2] // 2
    split = volume.reshape(-1, channels, side, 2, side, 2, side, 2)
    return split.permute(0, 1, 3, 5, 7, 2, 4, 6).reshape(count, 8 * channels, side, side, side)


def unpacked(volume: Tensor) -> Tensor:
    """The inverse of ``packed``."""
    channels, side = volume.shape[1] // 8, volume.shape[2]
    split = volume.reshape(-1, channels, 2, 2, 2, side, side, side)
    return split.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(-1, channels, 2 * side, 2 * side, 2 * side)


def doubled(volume: Tensor) -> Tensor:
    """Trilinear, twice as many voxels a side."""
    return F.interpolate(volume, scale_factor=2, mode="trilinear", align_corners=False)
