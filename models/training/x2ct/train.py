"""Train a recipe; what ``xray3d train`` runs."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import lightning as L
import torch
from torch.utils.data import DataLoader
from XRayLib.errors import InputError

from x2ct.module import X2CTTraining
from x2ct.patients import load_patients
from x2ct.recipe import Recipe, read_recipe
from x2ct.stream import SampleStream
from x2ct.synthesis import Synthesis

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


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to its end and return its last checkpoint.

    ``resume`` goes on from the checkpoint in the recipe's output folder. Several GPUs or nodes are used as Lightning
    finds them.
    """
    recipe = read_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    L.seed_everything(recipe.seed, verbose=False)
    module = X2CTTraining(recipe)
    checkpoint = recipe.output / f"{LAST}.ckpt"
    if resume and not checkpoint.exists():
        raise InputError(f"There is no checkpoint to resume from: {checkpoint} is missing.")
    if recipe.start_from is not None and not resume:
        start_from(module, recipe.start_from)
    stream = training_stream(recipe)
    if resume:
        stream.start = int(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]["iteration"])
    trainer = L.Trainer(
        max_epochs=-(-recipe.iterations // recipe.checkpoint_every),
        precision=recipe.precision,
        default_root_dir=recipe.output,
        callbacks=[
            StepLog(),
            latest_checkpoint(recipe.output),
        ],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(stream, batch_size=1), ckpt_path=checkpoint if resume else None)
    return checkpoint


def latest_checkpoint(folder: Path) -> L.Callback:
    """Keeps one checkpoint, replaced after every epoch."""
    return L.pytorch.callbacks.ModelCheckpoint(
        folder, filename=LAST, save_top_k=1, save_on_train_epoch_end=True, enable_version_counter=False
    )


def training_stream(recipe: Recipe) -> SampleStream:
    """The recipe's samples; CTs are resampled once into ``output/cache``."""
    files = [recipe.data / name for name in recipe.patients]
    missing = [f.name for f in files if not f.exists()]
    if missing:
        raise InputError(f"Training data not found in {recipe.data}: {', '.join(missing)}.")
    patients = load_patients(files, recipe.output.parent / "cache", list(recipe.patients.values()))
    synthesis = Synthesis(patients, recipe.edge_mm, views=tuple(recipe.views), room=recipe.room, film=recipe.film)
    return SampleStream(synthesis, recipe.checkpoint_every, recipe.seed, recipe.replay)


def start_from(module: X2CTTraining, checkpoint: Path) -> None:
    """Load the averaged generator of another run where names and shapes match (e.g. two views into one)."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    trained = {k.removeprefix("averaged."): v for k, v in state.items() if k.startswith("averaged.")}
    coarse = {k.removeprefix("coarse_heads."): v for k, v in state.items() if k.startswith("coarse_heads.")}
    for part, values in ((module.generator, trained), (module.averaged, trained), (module.coarse_heads, coarse)):
        own = part.state_dict()
        fitting = {k: v for k, v in values.items() if k in own and own[k].shape == v.shape}
        part.load_state_dict(fitting, strict=False)
        log.info("start: %d of %d tensors from %s", len(fitting), len(own), checkpoint.name)
