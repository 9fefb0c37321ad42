"""Lightning module of the generative prior."""

from __future__ import annotations

import copy
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from X2CTReconLib.generative.features import feature_distance
from X2CTReconLib.generative.synthesis import MappingNetwork, SynthesisNetwork

from x2vision.discriminator import StyleEncoder, VolumeDiscriminator
from x2vision.recipe import PriorRecipe

MIXED_SHARE = 0.5
"""Of generated samples: two styles, one for the coarse layers and one for the fine (style mixing)."""
MATCHED_STYLES = 256
USUAL_DEVIATION = 0.15
"""Of voxels from their mean over the training volumes, in network values."""
STATISTICS_MEMORY = 0.98


class PriorTraining(L.LightningModule):
    """Non-saturating GAN with lazy R1 and style mixing (StyleGAN2), and reconstruction of training volumes.

    StyleGAN2 learns from thousands of CTs; with ten, an encoder also gives every training volume its styles, and the
    generator learns to reconstruct it without noise (voxel and feature loss): X2Vision's perceptual loss needs such a
    pair. What noise does is learned from the discriminator alone.
    ``averaged_synthesis`` and ``averaged_mapping`` are running averages of the weights, the ones to export.
    """

    def __init__(self, recipe: PriorRecipe) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.recipe = recipe
        self.mapping = MappingNetwork(recipe.style_width, recipe.mapping_depth)
        self.synthesis = SynthesisNetwork(recipe.channels, recipe.style_width)
        encoder_channels = recipe.discriminator_channels[1:]
        self.encoder = StyleEncoder(encoder_channels, len(self.synthesis.layers), recipe.style_width)
        self.judge = VolumeDiscriminator(recipe.discriminator_channels)
        for part in (self.synthesis, self.encoder, self.judge):
            part.to(memory_format=torch.channels_last_3d)  # twice as fast on a processor
        self.averaged_mapping = copy.deepcopy(self.mapping).requires_grad_(False)
        self.averaged_synthesis = copy.deepcopy(self.synthesis).requires_grad_(False)
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
        self.register_buffer("encoded_mean", torch.zeros(recipe.style_width))
        self.register_buffer("encoded_power", torch.ones(recipe.style_width))

    def set_mean(self, volume: Tensor) -> None:
        """The volume (side, side, side) that the generator adds its output to."""
        for synthesis in (self.synthesis, self.averaged_synthesis):
            synthesis.mean.copy_(volume[None, None])

    def encoded(self, volumes: Tensor) -> Tensor:
        """The styles of volumes, from what distinguishes them from the mean volume."""
        return self.encoder((volumes - self.synthesis.mean) / USUAL_DEVIATION)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for what generates and for the discriminator, their rates set at every step."""
        makers = [*self.mapping.parameters(), *self.synthesis.parameters(), *self.encoder.parameters()]
        betas = tuple(self.recipe.betas)
        return [torch.optim.Adam(part, lr=1.0, betas=betas) for part in (makers, self.judge.parameters())]

    def training_step(self, volumes: Tensor, _index: int) -> None:
        """One update of the generator, and one of the discriminator once it takes part."""
        recipe, weights = self.recipe, self.recipe.weights
        adversarial = int(self.iteration) >= recipe.adversarial_from
        makers, judges = self.optimizers()
        styles = self.encoded(volumes)
        silence = [torch.zeros_like(noise) for noise in self.synthesis.noise(len(volumes))]
        made = self.synthesis(styles, *silence)
        terms = {
            "reconstruction": F.l1_loss(made, volumes),
            "features": feature_distance(made, volumes),
            "style_match": self._style_match(styles),
        }
        factors = {name: getattr(weights, name) for name in terms}
        if adversarial:
            self.judge.requires_grad_(False)
            generated = self._generated(len(volumes))
            terms["adversarial"] = F.softplus(-self.judge(generated)).mean()
            factors["adversarial"] = weights.adversarial
        self._update(makers, sum(factors[name] * term for name, term in terms.items()), recipe.learning_rate)
        if adversarial:
            self.judge.requires_grad_(True)
            terms["judge"] = self._judge_loss(volumes, generated.detach())
            self._update(judges, terms["judge"], recipe.discriminator_rate)
        self._average()
        self.iteration += 1
        if int(self.iteration) >= recipe.iterations:
            self.trainer.should_stop = True
        self.log_dict({name: term.detach() for name, term in terms.items()})

    def _generated(self, count: int) -> Tensor:
        width, layers = self.recipe.style_width, len(self.synthesis.layers)
        first, second = (self.mapping(torch.randn(count, width)) for _ in range(2))
        crossing = int(torch.randint(1, layers, ())) if torch.rand(()) < MIXED_SHARE else layers
        styles = torch.stack([first] * crossing + [second] * (layers - crossing), dim=1)
        return self.synthesis(styles, *self.synthesis.noise(count))

    def _judge_loss(self, real: Tensor, made: Tensor) -> Tensor:
        """Logistic loss; every ``penalty_every`` steps also R1, the squared gradient at real volumes."""
        penalised = int(self.iteration) % self.recipe.penalty_every == 0
        real = real.detach().requires_grad_(penalised)
        judgement = self.judge(real)
        loss = F.softplus(-judgement).mean() + F.softplus(self.judge(made)).mean()
        if penalised:
            (gradient,) = torch.autograd.grad(judgement.sum(), real, create_graph=True)
            penalty = gradient.square().sum(dim=(1, 2, 3, 4)).mean()
            loss = loss + self.recipe.penalty_every * self.recipe.weights.gradient_penalty * penalty
        return loss

    def _style_match(self, styles: Tensor) -> Tensor:
        """How far mapped styles' mean and deviation are from the running ones of encoded styles."""
        with torch.no_grad():
            flat = styles.reshape(-1, styles.shape[-1])
            self.encoded_mean.lerp_(flat.mean(dim=0), 1 - STATISTICS_MEMORY)
            self.encoded_power.lerp_(flat.square().mean(dim=0), 1 - STATISTICS_MEMORY)
        mapped = self.mapping(torch.randn(MATCHED_STYLES, self.recipe.style_width))
        deviation = (self.encoded_power - self.encoded_mean.square()).clamp(min=1e-6).sqrt()
        return (mapped.mean(dim=0) - self.encoded_mean).square().mean() + (
            mapped.std(dim=0) - deviation
        ).square().mean()

    def _update(self, optimizer: Any, loss: Tensor, rate: float) -> None:
        done = int(self.iteration) / self.recipe.iterations
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, 4 * (1 - done))
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        optimizer.step()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.recipe.averaging, (1 + int(self.iteration)) / (10 + int(self.iteration)))
        pairs: list[tuple[nn.Module, nn.Module]] = [
            (self.averaged_mapping, self.mapping),
            (self.averaged_synthesis, self.synthesis),
        ]
        for averaged, current in pairs:
            for mean, value in zip(averaged.parameters(), current.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
