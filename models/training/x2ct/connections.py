"""Connections A and B: how 2D features become 3D features (paper section 3.1, figure 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from x2ct.layers import INSTANCE_NORM_EPS, norm_relu

BOTTLENECK_SIDE = 4


class ConnectionA(nn.Module):
    """Fully connected bridge: feature vector -> ``channels`` x 4 x 4 x 4, dropout 0.5, ReLU."""

    def __init__(self, vector_channels: int, channels: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.channels = channels
        self.linear = nn.Linear(vector_channels, channels * BOTTLENECK_SIDE**3)
        self.dropout = nn.Dropout(dropout)

    def forward(self, vector: Tensor) -> Tensor:
        """(B, V) -> (B, channels, 4, 4, 4)."""
        volume = F.relu(self.dropout(self.linear(vector)))
        return volume.view(-1, self.channels, BOTTLENECK_SIDE, BOTTLENECK_SIDE, BOTTLENECK_SIDE)


@dataclass(frozen=True)
class DepthConstant:
    """A (B, C, D, H, W) tensor whose depth slices are all equal but the first and the last.

    A 3x3x3 convolution of a depth-constant input is of this form: zero padding shows only at the two ends.
    """

    first: Tensor
    interior: Tensor
    last: Tensor
    depth: int

    def norm_relu(self) -> DepthConstant:
        """ReLU of the instance norm over (D, H, W), from the statistics of the three distinct slices."""
        stacked = torch.stack([self.first, self.interior, self.last], dim=2)
        weight = torch.tensor([1.0, self.depth - 2.0, 1.0], dtype=stacked.dtype, device=stacked.device) / self.depth
        weight = weight.view(1, 1, 3, 1, 1)
        mean = (stacked.mean(dim=(3, 4), keepdim=True) * weight).sum(dim=2, keepdim=True)
        centred = stacked - mean
        variance = (centred.square().mean(dim=(3, 4), keepdim=True) * weight).sum(dim=2, keepdim=True)
        first, interior, last = F.relu(centred * torch.rsqrt(variance + INSTANCE_NORM_EPS)).unbind(dim=2)
        return DepthConstant(first, interior, last, self.depth)

    def expanded(self) -> Tensor:
        """The full (B, C, D, H, W) tensor."""
        middle = self.interior.unsqueeze(2).expand(-1, -1, self.depth - 2, -1, -1)
        return torch.cat([self.first.unsqueeze(2), middle, self.last.unsqueeze(2)], dim=2)

    def add_convolved_to(self, volume: Tensor, kernel: Tensor) -> Tensor:
        """``volume`` + 3x3x3 convolution of this tensor, zero padding 1; five distinct depth slices, so 2D work only.

        ``volume`` (B, O, D, H, W), ``kernel`` (O, C, 3, 3, 3); D >= 5.
        """
        before, at, after = kernel.unbind(dim=2)
        zero = torch.zeros_like(at)
        rows = (  # weights on (first, interior, last) for depth 0, 1, 2 .. D - 3, D - 2, D - 1
            (at, after, zero),
            (before, at + after, zero),
            (zero, before + at + after, zero),
            (zero, before + at, after),
            (zero, before, at),
        )
        kernel_2d = torch.cat([torch.cat(row, dim=1) for row in rows], dim=0)
        slices = F.conv2d(torch.cat([self.first, self.interior, self.last], dim=1), kernel_2d, padding=1)
        first, second, middle, next_to_last, last = slices.unsqueeze(2).chunk(5, dim=1)
        middle = middle.expand(-1, -1, self.depth - 4, -1, -1)
        return volume + torch.cat([first, second, middle, next_to_last, last], dim=2)


class ConnectionB(nn.Module):
    """Skip of one scale: conv1x1, norm, ReLU, copied along depth (parallel-beam assumption), conv3x3x3, norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.compress = nn.Conv2d(channels_in, channels_out, 1)
        self.conv = nn.Conv3d(channels_out, channels_out, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, in, N, N) -> (B, out, N, N, N), axes (depth, row, column), as written in the paper."""
        flat = norm_relu(self.compress(features))
        depth = flat.shape[-1]
        return norm_relu(self.conv(flat.unsqueeze(2).expand(-1, -1, depth, -1, -1)))

    def depth_constant(self, features: Tensor) -> DepthConstant:
        """The same function without the copies: one 2D convolution with the kernel summed over depth."""
        flat = norm_relu(self.compress(features))
        before, at, after = self.conv.weight.unbind(dim=2)
        kernel = torch.cat([at + after, before + at + after, before + at], dim=0)
        first, interior, last = F.conv2d(flat, kernel, self.conv.bias.repeat(3), padding=1).chunk(3, dim=1)
        return DepthConstant(first, interior, last, flat.shape[-1]).norm_relu()
