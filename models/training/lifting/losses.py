"""Losses of the lifting network; every one weighs voxels by how well the target is known there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from shared.anatomy import HU_RANGE, LOWEST_HU
from torch import Tensor
from X2CTReconLib.lifted_views import FULL_LINE_INTEGRAL
from XRayLib.ct import MU_WATER_PER_MM
from XRayLib.ct.tissue_labels import TISSUE_LIMITS_HU
from XRayLib.geometry import XRayGeometry

from lifting.network import Prediction


@dataclass(frozen=True)
class LossWeights:
    """``squared`` beside ``absolute``: the absolute loss alone gives a median, and PSNR asks for the mean."""

    absolute: float = 1.0
    squared: float = 10.0
    gradient: float = 0.5
    projection: float = 0.5
    tissue: float = 0.1
    likelihood: float = 0.02


def volume_losses(prediction: Prediction, target: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """ "absolute", "squared", "gradient", "tissue" and "likelihood" of (B, 1, n, n, n)."""
    known = weight.sum().clamp_min(1.0)
    difference = prediction.mean - target
    return {
        "absolute": (difference.abs() * weight).sum() / known,
        "squared": (difference.square() * weight).sum() / known,
        "gradient": gradient_loss(difference, weight),
        "tissue": tissue_loss(prediction.tissue, target, weight),
        "likelihood": likelihood_loss(difference, prediction.log_variance, weight),
    }


def gradient_loss(difference: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of the 3-D gradients."""
    steps = [
        (difference.diff(dim=axis).abs() * weight.narrow(axis, 1, weight.shape[axis] - 1)).sum() for axis in (2, 3, 4)
    ]
    return torch.stack(steps).sum() / (3 * weight.sum()).clamp_min(1.0)


def likelihood_loss(difference: Tensor, log_variance: Tensor, weight: Tensor) -> Tensor:
    """Gaussian negative log likelihood of the variance alone.

    The mean is detached: its other losses train it, and it must not give up where it is uncertain (Seitzer et al.,
    ICLR 2022).
    """
    squared = difference.detach().square()
    values = 0.5 * (log_variance + squared * torch.exp(-log_variance))
    return (values * weight).sum() / weight.sum().clamp_min(1.0)


def tissue_of(target: Tensor) -> Tensor:
    """Class numbers (B, n, n, n) of network values."""
    limits = torch.tensor([(hu - LOWEST_HU) / HU_RANGE for hu in TISSUE_LIMITS_HU])
    return torch.bucketize(target[:, 0].contiguous(), limits.to(target))


def tissue_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy plus 1 - mean soft Dice over the tissues."""
    tissue = tissue_of(target)
    entropy = (F.cross_entropy(logits, tissue, reduction="none") * weight[:, 0]).sum() / weight.sum().clamp_min(1.0)
    share = logits.softmax(dim=1) * weight
    wanted = F.one_hot(tissue, logits.shape[1]).movedim(-1, 1) * weight
    axes = (0, 2, 3, 4)
    dice = (2 * (share * wanted).sum(axes) + 1) / (share.sum(axes) + wanted.sum(axes) + 1)
    return entropy + 1 - dice.mean()


def projection_loss(
    mean: Tensor, target: Tensor, weight: Tensor, geometries: Sequence[Sequence[XRayGeometry]], edge_mm: float
) -> Tensor:
    """Mean absolute difference of cone-beam DRRs, as shares of FULL_LINE_INTEGRAL; voxel axes S, A, R about 0.

    ``geometries`` of every volume of the batch.
    Projection is linear: the known part of the volumes' difference is projected, once.
    """
    from XRayLib.projector.torch_function import project_torch

    difference = (attenuation(mean) - attenuation(target)) * weight
    side = mean.shape[-1]
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] *= edge_mm / side
    ijk_to_ras[:3, 3] = -(side - 1) / 2 * edge_mm / side
    images = [project_torch(mu[0], ijk_to_ras, views) for mu, views in zip(difference, geometries, strict=True)]
    return torch.stack([image.abs().mean() for image in images]).mean() / FULL_LINE_INTEGRAL


def attenuation(values: Tensor) -> Tensor:
    """Linear attenuation in 1/mm of network values, without a term for bone: differences are compared only."""
    return MU_WATER_PER_MM * F.relu(1 + (values * HU_RANGE + LOWEST_HU) / 1000)
