"""Train a CycleGAN recipe; what ``xray3d train`` runs."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import numpy as np
import torch
from shared.anatomy import AnatomyStream
from shared.patients import load_patients
from shared.run import checkpoint_of, fitted
from torch.utils.data import DataLoader
from XRayLib.errors import InputError

from cyclegan.films import CUBE_VOXELS, ROLES, Films, UnpairedFilms, real_films, simulated_films
from cyclegan.module import CycleGANTraining
from cyclegan.recipe import TransferRecipe, read_transfer_recipe


def train(recipe_path: str | Path, resume: bool = False) -> Path:
    """Run the recipe to its end and return its last checkpoint; ``resume`` goes on from the one in its output."""
    recipe = read_transfer_recipe(Path(recipe_path))
    torch.set_num_threads(recipe.threads)
    L.seed_everything(recipe.seed, verbose=False)
    checkpoint_of(recipe.output, resume)
    module = CycleGANTraining(recipe)
    real = real_films(recipe.films, recipe.pairs)
    films = UnpairedFilms(real, kept_simulated_films(recipe), recipe.checkpoint_every * recipe.batch, recipe.seed)
    passes = -(-recipe.iterations // recipe.checkpoint_every)
    return fitted(module, films, DataLoader(films, batch_size=recipe.batch), recipe.output, resume, passes)


def kept_simulated_films(recipe: TransferRecipe) -> Films:
    """The recipe's simulated films, made once and kept beside its checkpoint."""
    kept = recipe.output / f"simulated-{recipe.simulated_count}-{recipe.seed}.npz"
    if not kept.exists():
        missing = [name for name in recipe.patients if not (recipe.data / name).exists()]
        if missing:
            raise InputError(f"Training data not found in {recipe.data}: {', '.join(missing)}.")
        files = [recipe.data / name for name in recipe.patients]
        patients = load_patients(files, recipe.output.parent / "cache", list(recipe.patients.values()))
        stream = AnatomyStream(patients, recipe.edge_mm, CUBE_VOXELS, recipe.room)
        recipe.output.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **simulated_films(stream, recipe.simulated_count, recipe.seed))
    with np.load(kept, allow_pickle=False) as films:
        return {role: films[role] for role in ROLES}
