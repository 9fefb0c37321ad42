"""The conditional 3D PatchGAN discriminator."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from x2ct.generator import to_cube
from x2ct.layers import initialise, instance_norm, scaled_channels

CHANNELS = (64, 128, 256, 512)
STRIDES = (2, 2, 2, 1)
LEAK = 0.2


class PatchDiscriminator3d(nn.Module):
    """Conv 4^3 stack 1 + views -> 64 -> 128 -> 256 (stride 2) -> 512 -> 1 (stride 1), instance norm, LeakyReLU 0.2.

    Published size (two views, width 1): 11.06 M parameters. Sees the CT beside the radiographs copied along their
    depth; returns one score per patch (least-squares GAN: no sigmoid).
    """

    def __init__(self, views: int = 2, width: float = 1.0) -> None:
        super().__init__()
        channels = [scaled_channels(c, width) for c in CHANNELS]
        self.layers = nn.ModuleList(
            nn.Conv3d(c_in, c_out, 4, stride=stride, padding=1)
            for c_in, c_out, stride in zip([1 + views, *channels], channels, STRIDES, strict=False)
        )
        self.score = nn.Conv3d(channels[-1], 1, 4, padding=1)
        initialise(self)

    def forward(self, volume: Tensor, *images: Tensor) -> Tensor:
        """``volume`` (B, 1, N, N, N) in cube axes, ``images`` (B, 1, N, N) -> patch scores (B, 1, n, n, n)."""
        side = volume.shape[-1]
        copies = [to_cube(x.unsqueeze(2).expand(-1, -1, side, -1, -1), view) for view, x in enumerate(images)]
        x = torch.cat([volume, *copies], dim=1)
        for n, layer in enumerate(self.layers):
            x = layer(x)
            x = F.leaky_relu(x if n == 0 else instance_norm(x), LEAK)
        return self.score(x)
