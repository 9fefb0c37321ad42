"""LSGAN, reconstruction and projection losses with the published weights (paper section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossWeights:
    """Published: adversarial 0.1, reconstruction 10, projection 10."""

    adversarial: float = 0.1
    reconstruction: float = 10.0
    projection: float = 10.0


def reconstruction_loss(volume: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared voxel difference; ``weight`` (same shape, 0..1) counts less where the target is not known."""
    squared = (volume - target).square()
    if weight is None:
        return squared.mean()
    return (squared * weight).sum() / weight.sum().clamp_min(1.0)


def projection_loss(volume: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean over the three axes of the L1 distance between mean projections (orthographic) of (B, 1, D, H, W)."""
    difference = volume - target if weight is None else (volume - target) * weight
    return torch.stack([difference.mean(dim=axis).abs().mean() for axis in (2, 3, 4)]).mean()


def discriminator_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Least-squares GAN (Mao et al. 2017): real patches toward 1, generated ones toward 0."""
    return 0.5 * ((real_scores - 1).square().mean() + fake_scores.square().mean())


def adversarial_loss(fake_scores: Tensor) -> Tensor:
    """Least-squares GAN, generator: generated patches toward 1."""
    return (fake_scores - 1).square().mean()
