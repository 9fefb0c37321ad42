"""Train a recipe; what ``xray3d train`` runs."""

from __future__ import annotations

import logging
from pathlib import Path

import lightning as L
import torch
from shared.patients import patients_of
from shared.run import checkpoint_of, fitted
from torch.utils.data import DataLoader

from x2ct.module import X2CTTraining
from x2ct.recipe import Recipe, read_recipe
from x2ct.stream import SampleStream
from x2ct.synthesis import Synthesis

log = logging.getLogger(__name__)


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to its end and return its last checkpoint.

    ``resume`` goes on from the checkpoint in the recipe's output folder. Several GPUs or nodes are used as Lightning
    finds them.
    """
    recipe = read_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    L.seed_everything(recipe.seed, verbose=False)
    module = X2CTTraining(recipe)
    checkpoint_of(recipe.output, resume)
    if recipe.start_from is not None and not resume:
        start_from(module, recipe.start_from)
    stream = training_stream(recipe)
    passes = -(-recipe.iterations // recipe.checkpoint_every)
    return fitted(
        module, stream, DataLoader(stream, batch_size=1), recipe.output, resume, passes, precision=recipe.precision
    )


def training_stream(recipe: Recipe) -> SampleStream:
    """The recipe's samples; CTs are resampled once into ``output/cache``."""
    patients = patients_of(recipe.data, recipe.patients, recipe.output.parent / "cache")
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
