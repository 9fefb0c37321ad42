"""The training loop: simulated films until the budget is spent, a checkpoint every minute and on cancel."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from XRayLib.preparation.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from XRayLib.preparation.settings import PreparationSettings
from XRayLib.preparation.task import Batch, Task
from XRayLib.registry import Progress

CHECKPOINT_SECONDS = 60.0
WARM_UP = 0.02
LOWEST_RATE = 0.01
AVERAGE_DECAY = 0.995
"""Of the averaged weights, which are the ones exported: they are less noisy than the last."""
LARGEST_GRADIENT = 1.0
REPORT_EVERY = 100


class Training:
    """One network being trained, from its checkpoint when there is one that fits."""

    def __init__(self, task: Task, folder: Path, *, resume: bool = True) -> None:
        settings = task.settings
        self._task, self._settings, self._folder = task, settings, folder
        self._device = training_device(settings.device)
        torch.manual_seed(settings.seed)
        self._network = task.network().to(self._device)
        if settings.start_weights:
            from XRayLib.preparation.start_weights import load_start_weights

            load_start_weights(self._network, settings.start_weights, task.what)
        self._averaged = AveragedModel(self._network, multi_avg_fn=average_weights)
        self._optimiser = torch.optim.AdamW(self._network.parameters(), lr=settings.learning_rate, weight_decay=1e-4)
        self._iterations, self._seconds, self._errors_mm = 0, 0.0, list[float]()
        self._films = task.films()
        state = load_checkpoint(folder, task.what, settings) if resume else None
        if state is not None:
            self._restore(state)

    @property
    def task(self) -> Task:
        """What is trained."""
        return self._task

    @property
    def settings(self) -> PreparationSettings:
        """How it is trained."""
        return self._settings

    @property
    def budget_spent(self) -> bool:
        """Whether there is nothing left to train."""
        return self._fraction() >= 1

    @property
    def iterations(self) -> int:
        """Batches trained, over all runs."""
        return self._iterations

    @property
    def seconds(self) -> float:
        """Time trained, over all runs."""
        return self._seconds

    @property
    def errors_mm(self) -> list[float]:
        """Mean training error of each hundred batches."""
        return list(self._errors_mm)

    def trained_network(self) -> nn.Module:
        """The averaged network in evaluation mode on the CPU."""
        network = self._task.network()
        network.load_state_dict(self._averaged.module.state_dict())
        return network.eval()

    def run(self, progress: Progress) -> None:
        """Train until the budget is spent. A cancel (or any failure) saves a checkpoint and goes on as exception."""
        saved = time.monotonic()
        try:
            for batch in self._batches(progress):
                self._step(batch)
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.monotonic()
        finally:
            self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        state = TrainingState(
            network=self._network.state_dict(),
            averaged=self._averaged.state_dict(),
            optimiser=self._optimiser.state_dict(),
            iterations=self._iterations,
            seconds=self._seconds,
            settings=self._settings.as_json(),
            errors_mm=self._errors_mm,
        )
        save_checkpoint(self._folder, self._task.what, state)

    def _fraction(self) -> float:
        if self._settings.iterations:
            return self._iterations / self._settings.iterations
        return self._seconds / (60 * self._settings.minutes)

    def _batches(self, progress: Progress) -> Iterator[Batch]:
        """Batches on the device, made beside the training when there are threads for it; keeps the time."""
        with _film_makers(self._settings.workers) as (beside, pool):
            ahead = None
            while (fraction := self._fraction()) < 1:
                started = time.monotonic()
                progress(0.98 * min(fraction, 1.0), self._stage())
                films = ahead.result() if ahead else self._films.batch(self._iterations, pool)
                ahead = beside.submit(self._films.batch, self._iterations + 1, pool) if beside else None
                yield {name: x.to(self._device, non_blocking=True) for name, x in self._task.batch(films).items()}
                self._seconds += time.monotonic() - started

    def _stage(self) -> str:
        error = f", error {self._errors_mm[-1]:.1f} mm" if self._errors_mm else ""
        return f"Training: {self._iterations} batches{error}"

    def _step(self, batch: Batch) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._settings.learning_rate * rate_share(self._fraction())
        loss, error_mm = self._task.loss(self._network, batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), LARGEST_GRADIENT)
        self._optimiser.step()
        self._averaged.update_parameters(self._network)
        self._count(error_mm)

    def _count(self, error_mm: float) -> None:
        """Errors are gathered over REPORT_EVERY batches; the entry under way is their running mean."""
        before = self._iterations % REPORT_EVERY
        if before == 0:
            self._errors_mm.append(0.0)
        self._errors_mm[-1] += (error_mm - self._errors_mm[-1]) / (before + 1)
        self._iterations += 1

    def _restore(self, state: TrainingState) -> None:
        self._network.load_state_dict(state.network)
        self._averaged.load_state_dict(state.averaged)
        self._optimiser.load_state_dict(state.optimiser)
        self._iterations, self._seconds, self._errors_mm = state.iterations, state.seconds, list(state.errors_mm)


def average_weights(averaged: list[Tensor], current: list[Tensor], number: Tensor) -> None:
    """Exponential mean whose memory grows with the ``number`` of steps, so that a short training leaves its start."""
    decay = min(AVERAGE_DECAY, (1 + float(number)) / (10 + float(number)))
    torch._foreach_lerp_(averaged, current, 1 - decay)


def rate_share(fraction: float) -> float:
    """Learning rate at a share of the budget, relative to the highest: a short rise, then half a cosine."""
    if fraction < WARM_UP:
        return max(fraction / WARM_UP, 0.05)
    done = min((fraction - WARM_UP) / (1 - WARM_UP), 1.0)
    return LOWEST_RATE + (1 - LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * done))


def training_device(device: str) -> torch.device:
    """The device to train on: CUDA when asked for or found, else the CPU."""
    if device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda")


@contextmanager
def _film_makers(workers: int) -> Iterator[tuple[ThreadPoolExecutor | None, ThreadPoolExecutor | None]]:
    """(one thread that makes the next batch, threads that it shares the films among); none without workers."""
    if workers == 0:
        yield None, None
        return
    with ThreadPoolExecutor(1, "next batch") as beside, ThreadPoolExecutor(workers, "film") as pool:
        yield beside, pool
