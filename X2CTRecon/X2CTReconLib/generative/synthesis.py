"""A style-based generator of volumes: StyleGAN2 (Karras et al., CVPR 2020, arXiv 1912.04958) in three dimensions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

COARSEST_SIDE = 4
LEAK, ACTIVATION_GAIN = 0.2, math.sqrt(2.0)
START_OF_NOISE = 0.05
"""Strength that the noise of every layer starts with."""


class EvenLinear(nn.Module):
    """A linear layer whose weights are scaled when used, so that all learn at one rate (equalised learning rate)."""

    def __init__(self, given: int, wanted: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(wanted, given) / rate)
        self.bias = nn.Parameter(torch.full((wanted,), bias / rate))
        self.scale, self.rate = rate / math.sqrt(given), rate

    def forward(self, values: Tensor) -> Tensor:
        """(B, given) -> (B, wanted)"""
        return F.linear(values, self.scale * self.weight, self.rate * self.bias)


class MappingNetwork(nn.Module):
    """z ~ N(0, I), (B, width), to a style w (B, width): normalised, then dense layers of a low learning rate."""

    def __init__(self, width: int, depth: int = 8, rate: float = 0.1) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EvenLinear(width, width, rate=rate) for _ in range(depth))

    def forward(self, z: Tensor) -> Tensor:
        """Styles."""
        w = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        for layer in self.layers:
            w = ACTIVATION_GAIN * F.leaky_relu(layer(w), LEAK)
        return w


class ModulatedConvolution(nn.Module):
    """A 3D convolution whose input channels are scaled by a style, and its outputs back to unit expected size.

    The factors are taken out of the convolution (they are per input and per output channel), which is exactly the
    modulation and demodulation of the weights, and lets every sample of a batch use the same weights.
    """

    def __init__(self, given: int, wanted: int, style_width: int, side: int = 3, demodulate: bool = True) -> None:
        super().__init__()
        self.style = EvenLinear(style_width, given, bias=1.0)
        self.weight = nn.Parameter(torch.randn(wanted, given, side, side, side))
        self.scale, self.demodulate = 1 / math.sqrt(given * side**3), demodulate

    def forward(self, features: Tensor, w: Tensor) -> Tensor:
        """(B, given, ...) with the style (B, style_width) -> (B, wanted, ...)"""
        style, weight = self.style(w), self.scale * self.weight
        convolved = F.conv3d(_per_channel(features, style), weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return convolved
        power = style.square() @ weight.square().sum(dim=(2, 3, 4)).T
        return _per_channel(convolved, torch.rsqrt(power + 1e-8))


class StyledLayer(nn.Module):
    """Modulated convolution, optionally doubling the resolution, noise, bias, leaky ReLU."""

    def __init__(self, given: int, wanted: int, style_width: int, doubled: bool) -> None:
        super().__init__()
        self.convolution, self.doubled = ModulatedConvolution(given, wanted, style_width), doubled
        self.noise_strength = nn.Parameter(torch.tensor(START_OF_NOISE))
        self.bias = nn.Parameter(torch.zeros(1, wanted, 1, 1, 1))

    def forward(self, features: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """``noise`` (B, 1, ...) at the resolution of the result."""
        values = self.convolution(features, w)
        if self.doubled:
            values = doubled(values)
        return ACTIVATION_GAIN * F.leaky_relu(values + self.noise_strength * noise + self.bias, LEAK)


class SynthesisNetwork(nn.Module):
    """Styles, one for each layer, and noise to a volume: the sum of every level's contribution and a fixed mean.

    ``channels``: of the levels, coarsest (4^3) first; each further one doubles the resolution with two layers. The
    mean volume (``mean``, a buffer) is not part of StyleGAN2: with few training CTs it spares learning what all share.
    """

    def __init__(self, channels: Sequence[int], style_width: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.randn(1, channels[0], *[COARSEST_SIDE] * 3))
        layers = [StyledLayer(channels[0], channels[0], style_width, doubled=False)]
        for given, wanted in itertools.pairwise(channels):
            layers.append(StyledLayer(given, wanted, style_width, doubled=True))
            layers.append(StyledLayer(wanted, wanted, style_width, doubled=False))
        self.layers = nn.ModuleList(layers)
        self.to_volume = nn.ModuleList(
            ModulatedConvolution(count, 1, style_width, side=1, demodulate=False) for count in channels
        )
        for output in self.to_volume:
            nn.init.zeros_(output.weight)
        side = COARSEST_SIDE * 2 ** (len(channels) - 1)
        self.register_buffer("mean", torch.zeros(1, 1, side, side, side))

    @property
    def layer_sides(self) -> tuple[int, ...]:
        """Voxels along an edge of each layer's result, which is also its noise's."""
        return (COARSEST_SIDE, *(COARSEST_SIDE * 2 ** (1 + n // 2) for n in range(len(self.layers) - 1)))

    def noise(self, batch: int, generator: torch.Generator | None = None) -> list[Tensor]:
        """N(0, 1) for each layer."""
        return [torch.randn(batch, 1, side, side, side, generator=generator) for side in self.layer_sides]

    def forward(self, styles: Tensor, *noise: Tensor) -> Tensor:
        """``styles`` (B, layers, width), ``noise`` (B, 1, n, n, n) per layer -> (B, 1, side, side, side)."""
        features = self.layers[0](self.start.expand(len(styles), -1, -1, -1, -1), styles[:, 0], noise[0])
        volume = self.to_volume[0](features, styles[:, 0])
        for level in range(1, len(self.to_volume)):
            for number in (2 * level - 1, 2 * level):
                features = self.layers[number](features, styles[:, number], noise[number])
            volume = doubled(volume) + self.to_volume[level](features, styles[:, 2 * level])
        return volume + self.mean


def doubled(values: Tensor) -> Tensor:
    """Twice the resolution, trilinear."""
    return F.interpolate(values, scale_factor=2, mode="trilinear", align_corners=False)


def _per_channel(features: Tensor, factors: Tensor) -> Tensor:
    return features * factors[:, :, None, None, None]
