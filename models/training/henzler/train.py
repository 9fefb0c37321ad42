"""Train a recipe of the network of Henzler et al.; what ``xray3d train`` runs."""

from __future__ import annotations

from pathlib import Path

import torch
from shared.anatomy import template_values
from shared.patients import patients_of
from shared.run import fitted
from torch.utils.data import DataLoader
from x2ct.stream import SampleStream
from x2ct.synthesis import Synthesis, flipped
from X2CTReconLib.canonical import FRONTAL

from henzler.module import HenzlerTraining
from henzler.recipe import read_recipe


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to the end of its time and return its last checkpoint.

    ``resume`` goes on from the checkpoint in the recipe's output folder.
    """
    recipe = read_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    patients = patients_of(recipe.data, recipe.patients, recipe.output.parent / "cache")
    template = flipped(template_values(patients, recipe.edge_mm, recipe.side // 2))
    synthesis = Synthesis(patients, recipe.edge_mm, recipe.side, (FRONTAL,), recipe.room, recipe.film)
    stream = SampleStream(synthesis, recipe.checkpoint_every * recipe.batch, recipe.seed, recipe.replay)
    module = HenzlerTraining(recipe, torch.from_numpy(template))
    return fitted(module, stream, DataLoader(stream, batch_size=recipe.batch), recipe.output, resume)
