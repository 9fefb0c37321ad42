"""The residual discriminator of volumes, and the encoder that gives training volumes their styles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from X2CTReconLib.generative.synthesis import LEAK


class ResidualBlock(nn.Module):
    """Two convolutions, the second halving the resolution, beside a strided 1x1x1 (StyleGAN2's discriminator)."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(given, given, 3, padding=1)
        self.second = nn.Conv3d(given, wanted, 3, stride=2, padding=1)
        self.skip = nn.Conv3d(given, wanted, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, given, n, n, n) -> (B, wanted, n / 2, ...)"""
        inner = F.leaky_relu(self.second(F.leaky_relu(self.first(features), LEAK)), LEAK)
        return (inner + self.skip(F.avg_pool3d(features, 2))) / math.sqrt(2)


class VolumeDiscriminator(nn.Module):
    """Volumes (B, 1, n, n, n) to a logit (B, 1), high where they look like CTs; n is 4 * 2^(len(channels) - 1)."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.enter = nn.Conv3d(1, channels[0], 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in itertools.pairwise(channels)))
        self.last = nn.Conv3d(channels[-1] + 1, channels[-1], 3, padding=1)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(64 * channels[-1], channels[-1]), nn.LeakyReLU(LEAK), nn.Linear(channels[-1], 1)
        )

    def forward(self, volumes: Tensor) -> Tensor:
        """Logits."""
        features = self.blocks(F.leaky_relu(self.enter(volumes), LEAK))
        return self.dense(F.leaky_relu(self.last(with_batch_deviation(features)), LEAK))


def with_batch_deviation(features: Tensor) -> Tensor:
    """One more channel: how much the batch varies, so that a generator that always makes the same is found out."""
    deviation = (features.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
    return torch.cat([features, deviation.expand(len(features), 1, *features.shape[2:])], dim=1)


class StyleEncoder(nn.Module):
    """A training volume (B, 1, n, n, n) to one style per layer (B, layers, width); used in training only."""

    def __init__(self, channels: Sequence[int], layers: int, width: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for given, wanted in zip((1, *channels[:-1]), channels, strict=True):
            steps += [nn.Conv3d(given, wanted, 3, stride=2, padding=1), nn.LeakyReLU(LEAK)]
        self.steps = nn.Sequential(*steps, nn.Flatten())
        self.common = nn.Linear(64 * channels[-1], width)
        self.single = nn.Linear(64 * channels[-1], layers * width)
        self.layers, self.width = layers, width
        nn.init.normal_(self.single.weight, 0.0, 1e-3)
        nn.init.zeros_(self.single.bias)

    def forward(self, volumes: Tensor) -> Tensor:
        """A style that all layers share and what each adds to it, every style of root mean square 1."""
        features = self.steps(volumes)
        styles = self.common(features)[:, None] + self.single(features).view(-1, self.layers, self.width)
        return styles * torch.rsqrt(styles.square().mean(dim=2, keepdim=True) + 1e-8)
