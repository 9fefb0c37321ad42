"""From films to voxels: features sampled where a voxel is seen, fused over any number of views in any order."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from X2CTReconLib.lifted_views import RAY_CHANNELS

from lifting.layers import packed

STATISTICS = 3
"""Mean, deviation and largest over views."""

BACKPROJECTION_CHANNELS = 16
"""Mean and least over views of the attenuation along the voxel's rays, at eight sub-voxels."""

START_CHANNELS = 16
"""Start of the volume and the training patients' mean, at eight sub-voxels."""

LEAST_LENGTH = 0.2


def sampled(maps: Tensor, projections: Tensor) -> Tensor:
    """Maps (N, C, rows, columns) at the voxels' projections (N, 2, n, n, n) -> (N, C, n, n, n); 0 beside the film."""
    side = projections.shape[2]
    grid = projections.flatten(2).transpose(1, 2).unsqueeze(2)
    values = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return values.reshape(-1, maps.shape[1], side, side, side)


class Lift(nn.Module):
    """One scale: per view a perceptron of sampled features, film and ray, then statistics over the views."""

    def __init__(self, map_channels: int, channels: int) -> None:
        super().__init__()
        seen_channels = map_channels + RAY_CHANNELS + 9
        self.per_view = nn.Sequential(
            nn.Conv3d(seen_channels, channels, 1), nn.ReLU(), nn.Conv3d(channels, channels, 1), nn.ReLU()
        )
        self.fused = nn.Conv3d(STATISTICS * channels + BACKPROJECTION_CHANNELS + START_CHANNELS, channels, 1)

    def forward(
        self,
        maps: Tensor,
        films: Tensor,
        projections: Tensor,
        fine_projections: Tensor,
        rays: Tensor,
        start: Tensor,
    ) -> Tensor:
        """Voxel features (1, C, n, n, n) of one patient.

        ``maps`` (N, M, rows, columns); ``projections`` (N, 2, n, n, n) and of the sub-voxels ``fine_projections``
        (N, 2, 2n, 2n, 2n); ``rays`` (N, 6, n, n, n); ``start`` (1, 16, n, n, n): the start and the mean, packed.
        """
        film = packed(sampled(films[:, :1], fine_projections))
        seen = sampled(films[:, 1:2], projections)
        views = self.per_view(torch.cat([sampled(maps, projections), film, seen, rays], dim=1))
        mean = views.mean(dim=0, keepdim=True)
        deviation = ((views - mean).square().mean(dim=0, keepdim=True) + 1e-6).sqrt()
        largest = views.amax(dim=0, keepdim=True)
        context = [backprojection(film, rays[:, RAY_CHANNELS - 1 :]), start]
        return self.fused(torch.cat([mean, deviation, largest, *context], dim=1))


def backprojection(film: Tensor, lengths: Tensor) -> Tensor:
    """(1, 16, n, n, n): line integrals spread over the rays' lengths in the cube, mean and least over the views.

    The least is high only where every view sees attenuation: the visual hull of the body. ``film`` (N, 8, n, n, n)
    sampled at the sub-voxels, ``lengths`` (N, 1, n, n, n) as shares of the edge.
    """
    attenuation = film / lengths.clamp_min(LEAST_LENGTH)
    return torch.cat([attenuation.mean(dim=0, keepdim=True), attenuation.amin(dim=0, keepdim=True)], dim=1)
