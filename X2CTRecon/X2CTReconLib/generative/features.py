"""The perceptual distance of X2Vision here: edges at several scales, for images and volumes alike."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

SCALES = 3


def feature_distance(first: Tensor, second: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of the first differences along every axis, averaged over octaves.

    It stands for the deep features of LPIPS, whose weights are not part of this project: like them it compares where
    edges are, how strong, and at which scale, and not single values.

    Parameters
    ----------
    first, second : (B, C, rows, columns) or (B, C, k, j, i)
    weight : the same shape, optional
        0..1, what counts.
    """
    dimensions = first.ndim - 2
    pooled = F.avg_pool2d if dimensions == 2 else F.avg_pool3d
    difference = first - second
    if weight is None:
        weight = torch.ones_like(difference)
    total = difference.new_zeros(())
    for scale in range(SCALES):
        if scale:
            share = pooled(weight, 2)
            difference, weight = pooled(weight * difference, 2) / share.clamp(min=1e-6), share
        total = total + sum(_edges(difference, weight, axis) for axis in range(2, 2 + dimensions))
        if min(difference.shape[2:]) < 4:
            break
    return total / (SCALES * dimensions)


def _edges(difference: Tensor, weight: Tensor, axis: int) -> Tensor:
    size = difference.shape[axis]
    both = torch.minimum(weight.narrow(axis, 0, size - 1), weight.narrow(axis, 1, size - 1))
    return (both * difference.diff(dim=axis).abs()).sum() / both.sum().clamp(min=1e-6)
