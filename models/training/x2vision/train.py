"""Train the generative prior; what ``xray3d train`` runs."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import torch
from shared.run import LAST, StepLog, latest_checkpoint
from torch.utils.data import DataLoader
from XRayLib.errors import InputError

from x2vision.module import PriorTraining
from x2vision.recipe import read_prior_recipe
from x2vision.volumes import VolumeStream, drawn_volumes


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to its end and return its last checkpoint; ``resume`` goes on from the one in its output."""
    recipe = read_prior_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    L.seed_everything(recipe.seed, verbose=False)
    checkpoint = recipe.output / f"{LAST}.ckpt"
    if resume and not checkpoint.exists():
        raise InputError(f"There is no checkpoint to resume from: {checkpoint} is missing.")
    volumes = drawn_volumes(recipe)
    module = PriorTraining(recipe)
    module.set_mean(torch.from_numpy(volumes.mean(axis=0)))
    stream = VolumeStream(volumes, recipe.checkpoint_every * recipe.batch, recipe.seed)
    if resume:
        stream.start = int(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]["iteration"])
    trainer = L.Trainer(
        max_epochs=-(-recipe.iterations // recipe.checkpoint_every),
        default_root_dir=recipe.output,
        callbacks=[StepLog(), latest_checkpoint(recipe.output)],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(stream, batch_size=recipe.batch), ckpt_path=checkpoint if resume else None)
    return checkpoint
