"""The network of Henzler et al.: a residual 2D encoder-decoder whose channels are depth, then fusion with the film."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_GROUPS = 8
MEAN_OUTPUT = 0.1
FUSION_CHANNELS = 8


class Bottleneck(nn.Module):
    """Residual block of 1x1, 3x3 and 1x1 convolutions, the inner ones with a fourth or more of the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(NORM_GROUPS, channels // 2)
        self.body = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.GroupNorm(NORM_GROUPS, inner),
            nn.ReLU(),
            nn.Conv2d(inner, inner, 3, padding=1),
            nn.GroupNorm(NORM_GROUPS, inner),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return F.relu(x + self.body(x))


class HenzlerNetwork(nn.Module):
    """Film (B, 1, n, n) 0..1 to volume (B, 1, n, n, n) with axes (inferior, posterior, left), network values 0..1.

    Parameters
    ----------
    template : (n/2, n/2, n/2), the same axes: the mean of the training volumes, the output's bias
    channels : of the encoder at n/2, n/4, .. pixels; the decoder has the same

    The coarse half answers with n/2 depth slices of n/2 x n/2 pixels as channels of a 2D image; the fusion sharpens
    each slice, at full resolution, with the film beside it.
    """

    def __init__(self, template: Tensor, channels: tuple[int, ...] = (32, 64, 128, 192, 256)) -> None:
        super().__init__()
        depth = template.shape[1]
        self.register_buffer("template", template[None].movedim(2, 1).clone())
        self.stem = nn.Conv2d(1, channels[0], 7, stride=2, padding=3)
        self.encoders = nn.ModuleList(Bottleneck(c) for c in channels)
        self.widen = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairwise(channels))
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(channels))
        self.decoders = nn.ModuleList(Bottleneck(c) for c in channels[:-1])
        self.to_depth = nn.Sequential(
            nn.Conv2d(channels[0], 2 * depth, 1), nn.ReLU(), nn.Conv2d(2 * depth, depth, 3, padding=1)
        )
        self.fusion = nn.Sequential(
            nn.Conv2d(2, FUSION_CHANNELS, 3, padding=1), nn.ReLU(), nn.Conv2d(FUSION_CHANNELS, 1, 3, padding=1)
        )
        for layer in (self.to_depth[-1], self.fusion[-1]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def coarse(self, film: Tensor) -> Tensor:
        """(B, 1, n/2, n/2, n/2), axes as the result's."""
        levels = [self.encoders[0](F.relu(self.stem(film)))]
        for widen, block in zip(self.widen, self.encoders[1:], strict=True):
            levels.append(block(widen(F.max_pool2d(levels[-1], 2))))
        x = levels.pop()
        for narrow, block in zip(reversed(self.narrow), reversed(self.decoders), strict=True):
            up = F.interpolate(narrow(x), scale_factor=2, mode="bilinear", align_corners=False)
            x = block(up + levels.pop())
        slices = self.template + self.to_depth(x)
        return slices.movedim(1, 2).unsqueeze(1)

    def forward(self, film: Tensor) -> Tensor:
        """(B, 1, n, n, n)."""
        volume = F.interpolate(self.coarse(film), scale_factor=2, mode="trilinear", align_corners=False)
        return volume + self._sharpened(volume, film)

    def _sharpened(self, volume: Tensor, film: Tensor) -> Tensor:
        """What the fusion adds: the same small 2D network for every depth slice and the film."""
        side = volume.shape[-1]
        slices = volume.movedim(3, 1).reshape(-1, 1, side, side)
        beside = film.expand(-1, side, -1, -1).reshape(-1, 1, side, side)
        added = self.fusion(torch.cat([slices, beside], dim=1))
        return added.reshape(-1, side, 1, side, side).movedim(1, 3)
