"""Lightning module of the lifting network."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from shared.timed_training import Schedule, TimedTraining
from torch import Tensor
from X2CTReconLib.lifted_views import LiftingCube

from lifting.losses import projection_loss, volume_losses
from lifting.network import LiftingNetwork
from lifting.recipe import Recipe

DRR_PX = 64
INPUTS = ("films", "projections", "rays", "start")


class LiftingTraining(TimedTraining):
    """Trains the coarse half of the network first, then all of it."""

    def __init__(self, recipe: Recipe, template: Tensor) -> None:
        schedule = Schedule(recipe.minutes, recipe.learning_rate, recipe.warm_up, recipe.averaging)
        super().__init__(LiftingNetwork(template, recipe.widths), schedule)
        self.recipe = recipe

    def training_step(self, batch: list[dict[str, Tensor]], _index: int) -> None:
        """One update by a few patients' films."""
        recipe, done = self.recipe, self.share_done
        fine = done >= recipe.coarse_share
        prediction = self.network.of_patients([tuple(p[name] for name in INPUTS) for p in batch], fine)
        target, weight = (torch.stack([p[name] for p in batch]) for name in ("volume", "weight"))
        factor = target.shape[-1] // prediction.mean.shape[-1]
        if factor > 1:
            target, weight = F.avg_pool3d(target, factor), F.avg_pool3d(weight, factor)
        terms = volume_losses(prediction, target, weight)
        terms["projection"] = self._projection(prediction.mean, target, weight, [p["sources"] for p in batch])
        weights = {name: getattr(recipe.weights, name) for name in terms}
        if done < recipe.likelihood_from:
            weights["likelihood"] = 0.0
        self.update(sum(weights[name] * term for name, term in terms.items()), terms)

    def _projection(self, mean: Tensor, target: Tensor, weight: Tensor, sources: list[Tensor]) -> Tensor:
        cube = LiftingCube(np.zeros(3), self.recipe.edge_mm, self.recipe.side)
        geometries = [[cube.film_geometry(source, DRR_PX) for source in of_one.cpu().numpy()] for of_one in sources]
        return projection_loss(mean, target, weight, geometries, self.recipe.edge_mm)
