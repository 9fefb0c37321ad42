"""The 2D half of the generator: one radiograph to skip features at five scales and one feature vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from x2ct.layers import norm_relu, scaled_channels

DENSE_BLOCK_DEPTHS = (6, 12, 24, 16, 6)
GROWTH = 32
BOTTLENECK_FACTOR = 4
STEM_CHANNELS = 64


class DenseLayer2d(nn.Module):
    """norm-ReLU-conv1x1 to ``4 * growth`` channels, norm-ReLU-conv3x3 to ``growth``, appended to the input."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.bottleneck = nn.Conv2d(channels, BOTTLENECK_FACTOR * growth, 1)
        self.conv = nn.Conv2d(BOTTLENECK_FACTOR * growth, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C + growth, H, W)."""
        new = self.conv(norm_relu(self.bottleneck(norm_relu(x))))
        return torch.cat([x, new], dim=1)


class DownStage2d(nn.Module):
    """Halve the resolution, a dense block, then (except in the last stage) a 1x1 transition to half the channels."""

    def __init__(self, channels: int, depth: int, growth: int, transition: bool) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.dense = nn.ModuleList(DenseLayer2d(channels + i * growth, growth) for i in range(depth))
        grown = channels + depth * growth
        self.channels_out = grown // 2 if transition else grown
        self.transition = nn.Conv2d(grown, self.channels_out, 1) if transition else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, channels_out, H / 2, W / 2)."""
        x = self.down(norm_relu(x))
        for layer in self.dense:
            x = layer(x)
        return x if self.transition is None else self.transition(norm_relu(x))


class DenseEncoder(nn.Module):
    """DenseNet-like encoder of one view (paper section 3.1; published block depths 6, 12, 24, 16, 6, growth 32).

    Attributes
    ----------
    skip_channels : channels of the features after the stem and after the first four stages
    vector_channels : channels of the averaged last stage (704 at width 1)
    """

    def __init__(self, width: float = 1.0, depths: Sequence[int] = DENSE_BLOCK_DEPTHS) -> None:
        super().__init__()
        stem = scaled_channels(STEM_CHANNELS, width)
        growth = scaled_channels(GROWTH, width)
        self.stem = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(1, stem, 7))
        stages, channels, skips = [], stem, [stem]
        for i, depth in enumerate(depths):
            last = i == len(depths) - 1
            stages.append(DownStage2d(channels, depth, growth, transition=not last))
            channels = stages[-1].channels_out
            if not last:
                skips.append(channels)
        self.stages = nn.ModuleList(stages)
        self.skip_channels = tuple(skips)
        self.vector_channels = channels

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """(B, 1, N, N) -> skip features at N, N/2, .. N/16 and the (B, vector_channels) average of the last stage."""
        features = [norm_relu(self.stem(image))]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[:-1], features[-1].mean(dim=(2, 3))
