"""The generator: a small residual network that changes the tone of a film."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DARKEST = 0.02
"""Values nearer than this to 0 or 1 are moved there before the logit."""


class TransferGenerator(nn.Module):
    """Film (B, 1, rows, columns) 0..1 to a film 0..1; rows and columns are multiples of 4.

    The ResNet generator of Zhu et al. (c7s1, two downsamplings, residual blocks, two upsamplings, c7s1, instance
    normalisation) with three departures that keep anatomy in place and suit few films: it computes a change of the
    film's logit, starts as the identity (its last layer is zero), and upsamples by interpolation and convolution.
    """

    def __init__(self, width: int = 16, blocks: int = 4) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normalised(nn.Conv2d(1, width, 7)),
            *_normalised(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)),
            *_normalised(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)),
            *(ResidualBlock(4 * width) for _ in range(blocks)),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            *_normalised(nn.Conv2d(4 * width, 2 * width, 3, padding=1)),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            *_normalised(nn.Conv2d(2 * width, width, 3, padding=1)),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, 1, 7),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)
                nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.change[-1].weight)

    def forward(self, film: Tensor) -> Tensor:
        """The film in the other style."""
        value = film.clamp(DARKEST, 1 - DARKEST)
        return torch.sigmoid(torch.log(value) - torch.log(1 - value) + self.change(2 * film - 1))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with instance normalisation beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3) for _ in range(2))
        self.norm = nn.InstanceNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Same shape."""
        inner = F.relu(self.norm(self.first(F.pad(features, (1, 1, 1, 1), mode="reflect"))))
        return features + self.norm(self.second(F.pad(inner, (1, 1, 1, 1), mode="reflect")))


def _normalised(convolution: nn.Conv2d) -> tuple[nn.Module, ...]:
    return convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU()
