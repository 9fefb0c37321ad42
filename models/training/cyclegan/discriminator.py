"""The PatchGAN discriminator: every output value judges a patch of 70 x 70 pixels."""

from __future__ import annotations

import itertools

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """C64-C128-C256-C512 of Zhu et al. at another width: (B, 1, rows, columns) to (B, 1, rows / 8 - 2, ...)."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        channels = (width, 2 * width, 4 * width, 8 * width)
        layers: list[nn.Module] = [nn.Conv2d(1, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for number, (given, wanted) in enumerate(itertools.pairwise(channels), 1):
            stride = 2 if number < 3 else 1
            layers += [nn.Conv2d(given, wanted, 4, stride=stride, padding=1), nn.InstanceNorm2d(wanted)]
            layers += [nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, padding=1))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, film: Tensor) -> Tensor:
        """Near 1 where a patch looks genuine, near 0 where it looks made."""
        return self.layers(2 * film - 1)
