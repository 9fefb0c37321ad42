"""What is kept of a training run: a log of its losses and its latest checkpoint."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import lightning as L

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
