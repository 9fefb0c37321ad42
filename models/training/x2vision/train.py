"""Train the generative prior; what ``xray3d train`` runs."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import torch
from shared.run import checkpoint_of, fitted
from torch.utils.data import DataLoader

from x2vision.module import PriorTraining
from x2vision.recipe import read_prior_recipe
from x2vision.volumes import VolumeStream, drawn_volumes


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to its end and return its last checkpoint; ``resume`` goes on from the one in its output."""
    recipe = read_prior_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    L.seed_everything(recipe.seed, verbose=False)
    checkpoint_of(recipe.output, resume)
    volumes = drawn_volumes(recipe)
    module = PriorTraining(recipe)
    module.set_mean(torch.from_numpy(volumes.mean(axis=0)))
    stream = VolumeStream(volumes, recipe.checkpoint_every * recipe.batch, recipe.seed)
    passes = -(-recipe.iterations // recipe.checkpoint_every)
    return fitted(module, stream, DataLoader(stream, batch_size=recipe.batch), recipe.output, resume, passes)
