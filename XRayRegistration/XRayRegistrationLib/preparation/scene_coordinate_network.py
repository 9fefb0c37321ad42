"""U-Net from a film to the scene coordinates of every pixel's ray, with their uncertainty.

Shrestha et al., "X-Ray to CT Rigid Registration Using Scene Coordinate Regression", MICCAI 2023 (arXiv 2311.15087):
eight output channels, entry x, y, z and log standard deviation, then the same of the exit, in units of 100 mm.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from XRayLib.preparation.layers import ConvolutionPair

CHANNELS_IN = 2
LEVELS = 5
SCENE_UNIT_MM = 100.0
LOG_SD_RANGE = (-5.0, 3.0)
"""0.7 mm to 2 m."""


class SceneCoordinateNetwork(nn.Module):
    """U-Net of ``width``, 2 ``width`` .. 16 ``width`` channels; published width 64, GroupNorm for BatchNorm here.

    The decoder ends at 1 / ``stride`` of the film's resolution (published: 1). Coordinates along a smooth surface need
    no more, and the finest levels cost the most time.
    """

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(LEVELS)]
        self.encoder = nn.ModuleList(
            ConvolutionPair(CHANNELS_IN if n == 0 else channels[n - 1], c) for n, c in enumerate(channels)
        )
        self.finest = {1: 0, 2: 1, 4: 2, 8: 3}[stride]
        levels = range(LEVELS - 2, self.finest - 1, -1)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(channels[n + 1], channels[n], 2, 2) for n in levels)
        self.decoder = nn.ModuleList(ConvolutionPair(2 * channels[n], channels[n]) for n in levels)
        self.head = nn.Conv2d(channels[self.finest], 8, 1)

    def forward(self, contrasts: Tensor) -> Tensor:
        """(N, 2, H, W) -> (N, 8, H / stride, W / stride), units of SCENE_UNIT_MM about the body's middle."""
        skipped: list[Tensor] = []
        x = contrasts
        for n, level in enumerate(self.encoder):
            x = level(x if n == 0 else torch.max_pool2d(x, 2))
            skipped.append(x)
        for n, (enlarge, level) in enumerate(zip(self.enlarge, self.decoder, strict=True)):
            x = level(torch.cat([skipped[LEVELS - 2 - n], enlarge(x)], dim=1))
        entry, entry_sd, leave, leave_sd = torch.split(self.head(x), [3, 1, 3, 1], dim=1)
        return torch.cat([entry, _bounded(entry_sd), leave, _bounded(leave_sd)], dim=1)


def _bounded(log_sd: Tensor) -> Tensor:
    """Smoothly into LOG_SD_RANGE, so that no pixel's weight can explode."""
    low, high = LOG_SD_RANGE
    return low + (high - low) * torch.sigmoid(log_sd)


def scene_coordinate_loss(predicted: Tensor, points: Tensor, valid: Tensor) -> Tensor:
    """Gaussian negative log likelihood where there is a point, and a push towards uncertainty where there is none.

    Parameters
    ----------
    predicted : (N, 8, h, w)
        Of the network.
    points : (N, 2, 3, h, w)
        Entry and exit in the network's units.
    valid : (N, 2, h, w) float, 1 where there is a point
    """
    coordinates, log_sd = split_prediction(predicted)
    squared = ((coordinates - points) ** 2).sum(dim=2)
    likelihood = squared * torch.exp(-2 * log_sd) / 2 + 3 * log_sd
    background = torch.exp(-log_sd)
    return (valid * likelihood + (1 - valid) * background).mean()


def split_prediction(predicted: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 8, h, w) -> coordinates (N, 2, 3, h, w) and log standard deviations (N, 2, h, w)."""
    batch, _, rows, columns = predicted.shape
    both = predicted.reshape(batch, 2, 4, rows, columns)
    return both[:, :, :3], both[:, :, 3]
