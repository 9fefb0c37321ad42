"""A finished training run: its network, its reconstructions, its bundle; what ``xray3d export`` runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shared.anatomy import HU_RANGE, LOWEST_HU
from shared.evaluation import ROOMS, Reconstruct, Room, evaluate_patients
from shared.run import averaged_weights
from X2CTReconLib.x2ct_views import network_films, roles_of
from XRayLib.case import Case
from XRayLib.ct import Volume

from x2ct.bundle_writer import SIZE, write_bundle
from x2ct.generator import X2CTGenerator
from x2ct.recipe import Recipe, read_recipe

AIR_HU = -1000.0


def averaged_generator(recipe: Recipe) -> X2CTGenerator:
    """The running average of the weights in the run's last checkpoint, ready for inference."""
    generator = X2CTGenerator(len(recipe.views), recipe.width, recipe.level_channels, recipe.dropout)
    generator.load_state_dict(averaged_weights(recipe.output))
    return generator.eval()


def reconstruction_by(generator: X2CTGenerator, recipe: Recipe) -> Reconstruct:
    """Case -> volume by the Torch network, through the same preparation of the films as the method."""

    def reconstruct(case: Case) -> Volume:
        views = roles_of(case.radiographs, recipe.views)
        cube, films, _ = network_films(views, case.isocenter_ras_mm, recipe.edge_mm, SIZE)
        with torch.no_grad():
            volume = generator(*(torch.from_numpy(films[role])[None, None] for role in recipe.views))[0, 0].numpy()
        return cube.volume(np.maximum(np.clip(volume, 0, 1) * HU_RANGE + LOWEST_HU, AIR_HU))

    return reconstruct


def export_bundle(
    recipe_path: str | Path,
    folder: str | Path,
    held_out: Sequence[Path] = (),
    *,
    version: str = "1.0.0",
    commit: str = "0000000",
    rooms: Sequence[Room] = ROOMS,
    realisms: Sequence[str] = ("none", "mild"),
) -> dict[str, Any]:
    """Evaluate the run on held-out CT files and write its bundle into ``folder``; returns the manifest.

    The mean template is that of the recipe's training patients.
    """
    recipe = read_recipe(Path(recipe_path))
    generator = averaged_generator(recipe)
    rows = evaluate_patients(held_out, reconstruction_by(generator, recipe), recipe, recipe.views, rooms, realisms)
    stages = [asdict(stage) for stage in recipe.stages]
    trained = "Trained coarse to fine with Adam: " + "; ".join(
        f"{s['iterations']} iterations at {4 * 2 ** s['levels']}^3 voxels"
        + (f" (decoder levels from {s['from_level']} up)" if s["from_level"] > 1 else "")
        for s in stages
    )
    return write_bundle(generator, recipe, Path(folder), rows, version=version, commit=commit, iterations=trained + ".")
