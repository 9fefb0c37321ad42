"""Train a recipe of the lifting network; what ``xray3d train`` runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from shared.anatomy import AnatomyStream, template_values
from shared.atlas import atlases_without_each
from shared.patients import patients_of
from shared.run import fitted, trained_weights
from torch.utils.data import DataLoader
from X2CTReconLib.lifted_views import LiftingCube

from lifting.module import LiftingTraining
from lifting.recipe import Recipe, read_recipe
from lifting.stream import LiftingStream


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to the end of its time and return its last checkpoint.

    ``resume`` goes on from the checkpoint in the recipe's output folder.
    """
    recipe = read_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    patients = patients_of(recipe.data, recipe.patients, recipe.output.parent / "cache")
    anatomies = AnatomyStream(patients, recipe.edge_mm, recipe.anatomy_side, recipe.room)
    template = template_values(patients, recipe.edge_mm, recipe.side)
    atlases = atlases_without_each(patients, recipe.edge_mm, recipe.side) if recipe.consistent else None
    stream = training_stream(recipe, anatomies, template, atlases)
    module = LiftingTraining(recipe, torch.from_numpy(template))
    if recipe.start_from is not None and not resume:
        start_from(module, recipe.start_from)
    loader = DataLoader(stream, batch_size=recipe.batch, collate_fn=list)
    return fitted(module, stream, loader, recipe.output, resume)


def training_stream(
    recipe: Recipe,
    anatomies: AnatomyStream,
    template: NDArray[np.float32],
    atlases_hu: Mapping[str, NDArray[np.float32]] | None = None,
) -> LiftingStream:
    """The recipe's samples."""
    return LiftingStream(
        anatomies,
        LiftingCube(np.zeros(3), recipe.edge_mm, recipe.side),
        template,
        recipe.checkpoint_every * recipe.batch,
        recipe.seed,
        atlases_hu,
        recipe.films_per_patient,
        recipe.replay,
        recipe.views,
        recipe.film,
        recipe.exposure,
    )


def start_from(module: LiftingTraining, run: Path) -> None:
    """Take over the last weights of another run but for the output heads."""
    weights = {k: v for k, v in trained_weights(run).items() if "_head." not in k}
    for network in (module.network, module.averaged):
        network.load_state_dict(weights, strict=False)
