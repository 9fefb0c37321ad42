"""A volume as a function of position: random Fourier features and sines (Tancik et al. 2020, Sitzmann et al. 2020)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from X2CTReconLib.implicit.settings import ImplicitSettings

PIECE = 65536
"""Positions evaluated at once; beyond it intermediate values are computed again instead of kept."""


class ImplicitVolume(nn.Module):
    """From positions in the unit cube to attenuation in units of water's (Shen et al. 2022, figure 2)."""

    frequencies: Tensor

    def __init__(self, settings: ImplicitSettings, generator: torch.Generator) -> None:
        super().__init__()
        features, width = settings.fourier_features, settings.width
        frequencies = settings.fourier_scale * torch.randn(features, 3, generator=generator)
        self.register_buffer("frequencies", frequencies)
        sizes = [2 * features, *[width] * (settings.depth - 1), 1]
        self.layers = nn.ModuleList(nn.Linear(sizes[n], sizes[n + 1]) for n in range(len(sizes) - 1))
        self._sine_frequency = settings.sine_frequency
        for number, layer in enumerate(self.layers):
            inputs = sizes[number]
            bound = 1 / inputs if number == 0 else math.sqrt(6 / inputs) / settings.sine_frequency
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=generator)

    def encoded(self, positions: Tensor) -> Tensor:
        """Fourier features (n, 2 * features) of positions (n, 3): what :meth:`forward` takes."""
        angles = 2 * math.pi * positions @ self.frequencies.T
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """Attenuation relative to water, (n,)."""
        if len(features) <= PIECE or not torch.is_grad_enabled():
            return torch.cat([self._evaluated(piece) for piece in features.split(PIECE)])
        return torch.cat([checkpoint(self._evaluated, p, use_reentrant=False) for p in features.split(PIECE)])

    def _evaluated(self, values: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            values = torch.sin(self._sine_frequency * layer(values))
        return last(values).squeeze(-1)

    def parameter_count(self) -> int:
        """Trained numbers; the frequencies are fixed."""
        return sum(parameter.numel() for parameter in self.parameters())
