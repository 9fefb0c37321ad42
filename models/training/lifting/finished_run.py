"""A finished training run of the lifting network; what ``xray3d export`` runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from shared.atlas import stored_atlas_of
from shared.method_evaluation import FILM_SETS, Contender, FilmSet, written_and_measured
from shared.patients import patients_of
from shared.run import averaged_weights, spent

from lifting.bundle_writer import ATLAS_METHOD, METHOD, write_bundle
from lifting.network import LiftingNetwork
from lifting.recipe import Recipe, read_recipe

ATLAS_SIDE = 128
RIVALS = (Contender("x2ct-cnn"), Contender("x2ct-cnn", consistent=True))


def averaged_network(recipe: Recipe) -> LiftingNetwork:
    """The running average of the weights in the run's last checkpoint, ready for inference."""
    network = LiftingNetwork(torch.zeros((recipe.side,) * 3), recipe.widths)
    network.load_state_dict(averaged_weights(recipe.output))
    return network.eval()


def export_bundle(
    recipe_path: str | Path,
    folder: str | Path,
    held_out: Sequence[Path] = (),
    *,
    version: str = "1.0.0",
    commit: str = "0000000",
    film_sets: Sequence[FilmSet] = FILM_SETS,
) -> dict[str, Any]:
    """Write the run's bundle into ``folder``; with held-out CT files, measure it there by the method itself.

    The rows are kept in the run's output folder; what is there already is not measured again.
    """
    recipe, folder = read_recipe(Path(recipe_path)), Path(folder)
    patients = patients_of(recipe.data, recipe.patients, recipe.output.parent / "cache")
    write = partial(
        write_bundle,
        averaged_network(recipe),
        recipe,
        folder,
        atlas=stored_atlas_of(patients, recipe.edge_mm, ATLAS_SIDE),
        version=version,
        commit=commit,
        spent=spent(recipe.output),
    )
    contenders = (
        Contender(METHOD, False, folder),
        Contender(METHOD, True, folder),
        Contender(ATLAS_METHOD, False, folder),
        *RIVALS,
    )
    return written_and_measured(write, recipe, held_out, film_sets, contenders)
