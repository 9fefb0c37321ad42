"""A training that lasts a stated time: rising, then half-cosine learning rate, and the running average of weights."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass

import lightning as L
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Schedule:
    """``minutes`` of training; ``warm_up`` iterations of rising rate; ``averaging`` is the decay of the average."""

    minutes: float
    learning_rate: float
    warm_up: int = 40
    averaging: float = 0.995


class TimedTraining(L.LightningModule):
    """Adam by a schedule of the time spent, which is kept over interruptions. Subclasses give ``training_step``.

    ``averaged`` is the running average of the network's weights, the one to export.
    """

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.schedule = schedule
        self.network = network
        self.averaged = copy.deepcopy(network).requires_grad_(False)
        self.register_buffer("iteration", torch.zeros((), dtype=torch.long))
        self.register_buffer("seconds", torch.zeros((), dtype=torch.float64))
        self._last = 0.0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.network.parameters(), lr=1.0, betas=(0.9, 0.99))

    def on_train_start(self) -> None:
        """The clock runs from here."""
        self._last = time.monotonic()

    @property
    def share_done(self) -> float:
        """Of the time, 0..1."""
        return min(1.0, float(self.seconds) / (60 * self.schedule.minutes))

    def update(self, loss: Tensor, terms: dict[str, Tensor]) -> None:
        """One step down the loss; logs the terms, and ends the training when the time is over."""
        optimizer = self.optimizers()
        rising = min(1.0, (1 + int(self.iteration)) / max(1, self.schedule.warm_up))
        for group in optimizer.param_groups:
            falling = 0.5 * (1 + math.cos(math.pi * self.share_done))
            group["lr"] = self.schedule.learning_rate * rising * falling
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        self.clip_gradients(optimizer, gradient_clip_val=1.0, gradient_clip_algorithm="norm")
        optimizer.step()
        self._average()
        self._count()
        self.log_dict({k: v.detach() for k, v in terms.items()}, prog_bar=True)

    def _count(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._last
        self._last = now
        self.iteration += 1
        if self.share_done >= 1:
            self.trainer.should_stop = True

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.schedule.averaging, (1 + int(self.iteration)) / (10 + int(self.iteration)))
        for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
