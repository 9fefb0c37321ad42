"""Lightning module of X2CT-CNN and X2CT-GAN."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from x2ct.decoder import LEVEL_CHANNELS
from x2ct.discriminator import PatchDiscriminator3d
from x2ct.finest_level import fit_head, hand_through
from x2ct.generator import X2CTGenerator
from x2ct.layers import scaled_channels
from x2ct.losses import adversarial_loss, discriminator_loss, projection_loss, reconstruction_loss
from x2ct.recipe import Recipe

MEAN_OUTPUT = 0.1
"""Start of the output bias: near the mean of a chest in air, so that no voxel starts on the dead side of the ReLU."""


class X2CTTraining(L.LightningModule):
    """Trains the generator coarse to fine by the stages of a recipe, with a discriminator at the finest level if asked.

    ``averaged`` is the running average of the generator's weights, the one to export.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.recipe = recipe
        self.generator = X2CTGenerator(len(recipe.views), recipe.width, recipe.level_channels, recipe.dropout)
        nn.init.constant_(self.generator.head.conv.bias, MEAN_OUTPUT)
        channels = recipe.level_channels or [scaled_channels(c, recipe.width) for c in LEVEL_CHANNELS]
        self.coarse_heads = nn.ModuleDict(
            {
                str(s.levels): nn.Conv3d(channels[s.levels], 1, 3, padding=1)
                for s in recipe.stages
                if s.levels < self.generator.levels
            }
        )
        for head in self.coarse_heads.values():
            nn.init.constant_(head.bias, MEAN_OUTPUT)
        self.averaged = copy.deepcopy(self.generator).requires_grad_(False)
        adversarial = recipe.discriminator_width is not None
        self.discriminator = (
            PatchDiscriminator3d(len(recipe.views), recipe.discriminator_width) if adversarial else None
        )
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for the generator and, if there is one, the discriminator."""
        betas = tuple(self.recipe.betas)
        generator = [*self.generator.parameters(), *self.coarse_heads.parameters()]
        optimizers = [torch.optim.Adam(generator, lr=1.0, betas=betas)]
        if self.discriminator is not None:
            optimizers.append(torch.optim.Adam(self.discriminator.parameters(), lr=1.0, betas=betas))
        return optimizers

    def training_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """One generator update, and one of the discriminator where it takes part."""
        stage, done = self.recipe.stage_at(int(self.iteration))
        rate = stage.learning_rate * min(1.0, (1 - done) / max(1e-6, 1 - stage.constant_share))
        if stage.fitted_samples and done == 0:
            self._start_finest_level(stage.fitted_samples)
        set_trained(self.generator, stage.from_level, stage.levels)
        films = batch["films"].unbind(dim=1)
        volume, target, weight = self._volumes(films, batch, stage.levels)
        reconstruction = reconstruction_loss(volume, target, weight)
        projection = projection_loss(volume, target, weight)
        weights = self.recipe.weights
        loss = weights.reconstruction * reconstruction + weights.projection * projection
        terms = {"mse": reconstruction, "projection": projection}
        optimizers = self.optimizers()
        optimizers = optimizers if isinstance(optimizers, list) else [optimizers]
        if self.discriminator is not None and stage.levels == self.generator.levels:
            films = tuple(F.adaptive_avg_pool2d(film, volume.shape[-1]) for film in films)
            terms["discriminator"] = self._discriminate(optimizers[1], rate, volume.detach(), target, films)
            terms["adversarial"] = adversarial_loss(self.discriminator(volume, *films))
            loss = loss + weights.adversarial * terms["adversarial"]
        self._update(optimizers[0], loss, rate)
        self._average()
        self.iteration += 1
        if int(self.iteration) >= self.recipe.iterations:
            self.trainer.should_stop = True
        self.log_dict({k: v.detach() for k, v in terms.items()}, prog_bar=True)

    def _volumes(self, films: tuple[Tensor, ...], batch: dict[str, Tensor], levels: int) -> tuple[Tensor, ...]:
        """Prediction, target and weight (B, 1, n, n, n) at the resolution of ``levels``."""
        target, weight = batch["volume"], batch["weight"]
        features = self.generator.features(*films, levels=levels)
        if levels == self.generator.levels:
            volume = self.generator.head.forward_by_slices(features)
        else:
            volume = F.relu(self.coarse_heads[str(levels)](features))
        factor = target.shape[-1] // volume.shape[-1]
        if factor > 1:
            target, weight = F.avg_pool3d(target, factor), F.avg_pool3d(weight, factor)
        return self.generator.in_cube(volume).float(), target, weight

    def _discriminate(
        self, optimizer: Any, rate: float, fake: Tensor, real: Tensor, films: tuple[Tensor, ...]
    ) -> Tensor:
        loss = discriminator_loss(self.discriminator(real, *films), self.discriminator(fake, *films))
        self._update(optimizer, loss, rate)
        return loss

    def _update(self, optimizer: Any, loss: Tensor, rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        optimizer.step()

    def _start_finest_level(self, count: int) -> None:
        """Begin the finest level where the one below ends; see ``finest_level``. Both copies take the average."""
        rng = np.random.default_rng([self.recipe.seed, int(self.iteration)])
        synthesis = self.trainer.train_dataloader.dataset.synthesis
        hand_through(self.averaged, self.coarse_heads[str(self.generator.levels - 1)])
        fit_head(self.averaged, (synthesis.draw(rng) for _ in range(count)))
        self.generator.load_state_dict(self.averaged.state_dict())

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.recipe.averaging, (1 + int(self.iteration)) / (10 + int(self.iteration)))
        for mean, value in zip(self.averaged.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)


def set_trained(generator: X2CTGenerator, from_level: int, levels: int) -> None:
    """Freeze all but decoder levels ``from_level`` .. ``levels`` and the head; level 1 includes encoders and bridge."""
    if from_level <= 1:
        generator.requires_grad_(True)
        return
    generator.requires_grad_(False)
    for parameter in _levels_from(generator, from_level, levels):
        parameter.requires_grad_(True)


def _levels_from(generator: X2CTGenerator, from_level: int, levels: int) -> Iterator[nn.Parameter]:
    yield from generator.head.parameters()
    for n in range(from_level - 1, levels):
        for branch in generator.branches:
            yield from branch.skips[n].parameters()
            yield from branch.levels[n].parameters()
        if generator.views == 2:
            yield from generator.fusion[n].parameters()
