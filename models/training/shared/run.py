"""What is kept of a training run: a log of its losses and its latest checkpoint."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Protocol

import lightning as L
import torch
from XRayLib.errors import InputError

LAST = "last"
log = logging.getLogger(__name__)


class StepLog(L.Callback):
    """Running means of the losses to the log every ``every`` iterations."""

    def __init__(self, every: int = 20) -> None:
        self.every, self._sums, self._count, self._since = every, {}, 0, time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: object) -> None:
        """Collect the losses of this iteration."""
        self._count += 1
        for name, value in trainer.callback_metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
        if self._count < self.every:
            return
        means = "  ".join(f"{name} {total / self._count:.5f}" for name, total in self._sums.items())
        seconds = (time.monotonic() - self._since) / self._count
        log.info("iteration %d  %s  %.2f s", int(module.iteration), means, seconds)
        self._sums, self._count, self._since = {}, 0, time.monotonic()


def latest_checkpoint(folder: Path) -> L.Callback:
    """Keeps one checkpoint, replaced after every epoch."""
    return L.pytorch.callbacks.ModelCheckpoint(
        folder, filename=LAST, save_top_k=1, save_on_train_epoch_end=True, enable_version_counter=False
    )


class RunStream(Protocol):
    """A data set whose random numbers follow the iteration that a run goes on at."""

    start: int


def checkpoint_of(output: Path, resume: bool) -> Path:
    """A run's checkpoint; InputError when it is to be resumed and is not there."""
    checkpoint = output / f"{LAST}.ckpt"
    if resume and not checkpoint.exists():
        raise InputError(f"There is no checkpoint to resume from: {checkpoint} is missing.")
    return checkpoint


def fitted(
    module: L.LightningModule,
    stream: RunStream,
    loader: Any,
    output: Path,
    resume: bool,
    passes: int = -1,
    precision: str = "32-true",
) -> Path:
    """Train until the module ends it, or for so many ``passes`` of the loader; returns the path of the checkpoint.

    ``precision`` as of Lightning. One checkpoint in ``output`` is replaced after every pass. The module has a buffer
    ``iteration``. InputError when there is nothing to resume.
    """
    checkpoint = checkpoint_of(output, resume)
    if resume:
        stream.start = int(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]["iteration"])
    trainer = L.Trainer(
        max_epochs=passes,
        precision=precision,
        default_root_dir=output,
        callbacks=[StepLog(), latest_checkpoint(output)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader, ckpt_path=checkpoint if resume else None)
    return checkpoint


def averaged_weights(output: Path, name: str = "averaged") -> dict[str, torch.Tensor]:
    """State of the running average of that name in a run's last checkpoint; InputError when nothing was trained."""
    return _part(output, f"{name}.")


def trained_weights(output: Path) -> dict[str, torch.Tensor]:
    """State of the network itself in a run's last checkpoint; InputError when nothing was trained."""
    return _part(output, "network.")


def spent(output: Path) -> str:
    """Updates and minutes of the run's last checkpoint, in words."""
    state = _last_state(output)
    return f"{int(state['iteration'])} updates in {float(state['seconds']) / 60:.0f} minutes"


def _part(output: Path, prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in _last_state(output).items() if k.startswith(prefix)}


def _last_state(output: Path) -> dict[str, torch.Tensor]:
    checkpoint = output / f"{LAST}.ckpt"
    if not checkpoint.exists():
        raise InputError(f"There is nothing to export: {checkpoint} is missing; train the recipe first.")
    return torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
