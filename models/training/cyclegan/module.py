"""Lightning module of CycleGAN."""

from __future__ import annotations

import copy

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cyclegan.discriminator import PatchDiscriminator
from cyclegan.generator import TransferGenerator
from cyclegan.image_pool import ImagePool
from cyclegan.recipe import TransferRecipe
from cyclegan.structure import structure_change


class CycleGANTraining(L.LightningModule):
    """Two generators, two discriminators: least-squares GAN + cycle + identity losses (Zhu et al. 2017, section 3), and
    one of structure where the recipe asks for it.

    ``averaged`` is the running average of the generator from real to simulated films, the one to export.
    """

    def __init__(self, recipe: TransferRecipe) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.recipe = recipe
        self.to_simulated, self.to_real = (TransferGenerator(recipe.width, recipe.blocks) for _ in range(2))
        self.judge_simulated, self.judge_real = (PatchDiscriminator(recipe.discriminator_width) for _ in range(2))
        self.averaged = copy.deepcopy(self.to_simulated).requires_grad_(False)
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
        random = torch.Generator().manual_seed(recipe.seed)
        self._simulated_pool, self._real_pool = (ImagePool(recipe.pool_size, random) for _ in range(2))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam for both generators, and for both discriminators."""
        generators = [*self.to_simulated.parameters(), *self.to_real.parameters()]
        judges = [*self.judge_simulated.parameters(), *self.judge_real.parameters()]
        betas = tuple(self.recipe.betas)
        return [torch.optim.Adam(part, lr=self.recipe.learning_rate, betas=betas) for part in (generators, judges)]

    def training_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """One update of the generators, then one of the discriminators."""
        real, simulated = batch["real"], batch["simulated"]
        generators, judges = self.optimizers()
        rate = self._learning_rate()
        self._set_judges_trained(False)
        made_simulated, made_real = self.to_simulated(real), self.to_real(simulated)
        terms = {
            "adversarial": _genuine(self.judge_simulated(made_simulated)) + _genuine(self.judge_real(made_real)),
            "cycle": F.l1_loss(self.to_real(made_simulated), real) + F.l1_loss(self.to_simulated(made_real), simulated),
            "identity": F.l1_loss(self.to_simulated(simulated), simulated) + F.l1_loss(self.to_real(real), real),
            "structure": structure_change(real, made_simulated) + structure_change(simulated, made_real),
        }
        weights = {
            "adversarial": 1.0,
            "cycle": self.recipe.cycle_weight,
            "identity": self.recipe.identity_weight,
            "structure": self.recipe.structure_weight,
        }
        self._update(generators, sum(weights[name] * term for name, term in terms.items()), rate)
        self._set_judges_trained(True)
        terms["judges"] = _judged(self.judge_simulated, simulated, self._simulated_pool.exchanged(made_simulated))
        terms["judges"] = terms["judges"] + _judged(self.judge_real, real, self._real_pool.exchanged(made_real))
        self._update(judges, terms["judges"], rate)
        self._average()
        self.iteration += 1
        if int(self.iteration) >= self.recipe.iterations:
            self.trainer.should_stop = True
        self.log_dict({name: term.detach() for name, term in terms.items()})

    def _learning_rate(self) -> float:
        done = int(self.iteration) / self.recipe.iterations
        return self.recipe.learning_rate * min(1.0, (1 - done) / max(1e-6, 1 - self.recipe.constant_share))

    def _set_judges_trained(self, trained: bool) -> None:
        self.judge_simulated.requires_grad_(trained)
        self.judge_real.requires_grad_(trained)

    def _update(self, optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        optimizer.step()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.recipe.averaging, (1 + int(self.iteration)) / (10 + int(self.iteration)))
        for mean, value in zip(self.averaged.parameters(), self.to_simulated.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)


def _genuine(judgement: Tensor) -> Tensor:
    return (judgement - 1).square().mean()


def _judged(judge: nn.Module, genuine: Tensor, made: Tensor) -> Tensor:
    """Halved, so that the discriminator learns slower than the generator, as published."""
    return 0.5 * (_genuine(judge(genuine)) + judge(made).square().mean())
