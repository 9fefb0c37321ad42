"""What X2Vision minimises: the films' misfit, and how unlikely styles and noise are (Cafaro et al., MICCAI 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def style_loss(styles: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """L_w: negative log likelihood of styles (layers, width) under a Gaussian per component, mean, without constant."""
    return 0.5 * ((styles - mean) / deviation).square().mean()


def colinearity_loss(styles: Tensor) -> Tensor:
    """L_c: negative log likelihood of the angles between the layers' styles under a von Mises distribution about 0.

    Its concentration is 1; mean over the pairs, 0 where all point the same way.
    """
    directions = F.normalize(styles, dim=1)
    first, second = torch.triu_indices(len(styles), len(styles), offset=1)
    return (1 - (directions[first] * directions[second]).sum(dim=1)).mean()


def noise_loss(noise: Sequence[Tensor]) -> Tensor:
    """L_n: negative log likelihood of all layers' noise under N(0, I), mean, without constant."""
    return 0.5 * torch.cat([layer.ravel() for layer in noise]).square().mean()
