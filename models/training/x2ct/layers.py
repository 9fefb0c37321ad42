"""Normalisation, initialisation and channel counts that every part of the network shares."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INSTANCE_NORM_EPS = 1e-5
PUBLISHED_INIT_SD = 0.02


def scaled_channels(published: int, width: float) -> int:
    """Channels of a layer at width multiplier ``width`` (1.0 = published): at least 2, rounded to an even number."""
    return max(2, 2 * round(published * width / 2))


def instance_norm(x: Tensor) -> Tensor:
    """(x - mean) / sqrt(var + eps) per sample and channel, no learned scale, always with the sample's own statistics.

    The published test protocol also runs its instance norms in training mode, so running averages never matter.
    """
    return F.instance_norm(x, eps=INSTANCE_NORM_EPS)


def norm_relu(x: Tensor) -> Tensor:
    """ReLU of the instance norm."""
    return F.relu(instance_norm(x), inplace=True)


def initialise(module: nn.Module, sd: float = PUBLISHED_INIT_SD) -> None:
    """Weights of every convolution and linear layer from N(0, sd), biases zero, as published."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Conv3d, nn.ConvTranspose3d, nn.Linear)):
            nn.init.normal_(layer.weight, 0.0, sd)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def parameter_count(module: nn.Module) -> int:
    """Number of learned values."""
    return sum(p.numel() for p in module.parameters())


class Conv3dNormReLU(nn.Module):
    """3x3x3 convolution, instance norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(channels_in, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, D, H, W) -> (B, out, D, H, W)."""
        return norm_relu(self.conv(x))


class Upsample3d(nn.Module):
    """Transposed 3x3x3 convolution of stride 2 that doubles each side, instance norm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose3d(channels_in, channels_out, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, n, n, n) -> (B, out, 2n, 2n, 2n)."""
        return norm_relu(self.conv(x))


def averaged(a: Tensor, b: Tensor) -> Tensor:
    """(a + b) / 2."""
    return torch.add(a, b).mul(0.5)
