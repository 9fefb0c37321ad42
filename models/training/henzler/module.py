"""Lightning module of the network of Henzler et al."""

from __future__ import annotations

import torch.nn.functional as F
from shared.timed_training import Schedule, TimedTraining
from torch import Tensor
from x2ct.losses import reconstruction_loss

from henzler.network import HenzlerNetwork
from henzler.recipe import Recipe


class HenzlerTraining(TimedTraining):
    """Squared voxel differences, as published: of the coarse volume first, then of the fused one."""

    def __init__(self, recipe: Recipe, template: Tensor) -> None:
        super().__init__(
            HenzlerNetwork(template, tuple(recipe.channels)), Schedule(recipe.minutes, recipe.learning_rate)
        )
        self.recipe = recipe

    def training_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """One update by a batch of films."""
        film, target, weight = batch["films"][:, 0], batch["volume"], batch["weight"]
        if self.share_done < self.recipe.coarse_share:
            volume = self.network.coarse(film)
            target, weight = F.avg_pool3d(target, 2), F.avg_pool3d(weight, 2)
        else:
            volume = self.network(film)
        loss = reconstruction_loss(volume, target, weight)
        self.update(10 * loss, {"mse": loss})
