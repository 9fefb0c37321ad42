"""A finished training of the generative prior: its network, its reconstructions, its bundle; ``xray3d export``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from shared.evaluation import ROOMS, Reconstruct, Room, evaluate_patients
from shared.run import averaged_weights
from X2CTReconLib.generative.prior import GenerativePrior, PriorModule
from X2CTReconLib.generative.reconstruction import reconstructed
from X2CTReconLib.generative.settings import PriorSettings
from X2CTReconLib.generative.synthesis import MappingNetwork, SynthesisNetwork
from XRayLib.case import Case
from XRayLib.ct import Volume

from x2vision.bundle_writer import manifest_of, write_bundle
from x2vision.recipe import PriorRecipe, read_prior_recipe

STYLE_SAMPLES = 10_000
VIEWS = ("frontal", "lateral")


def trained_prior(recipe: PriorRecipe) -> PriorModule:
    """The running average in the run's last checkpoint, with mean and deviation of its styles (10,000 samples of z)."""
    mapping = MappingNetwork(recipe.style_width, recipe.mapping_depth)
    synthesis = SynthesisNetwork(recipe.channels, recipe.style_width)
    for name, part in (("averaged_mapping", mapping), ("averaged_synthesis", synthesis)):
        part.load_state_dict(averaged_weights(recipe.output, name))
    random = torch.Generator().manual_seed(recipe.seed)
    with torch.no_grad():
        styles = mapping(torch.randn(STYLE_SAMPLES, recipe.style_width, generator=random))
    return PriorModule(synthesis, styles.mean(dim=0), styles.std(dim=0)).eval().requires_grad_(False)


def reconstruction_by(prior: GenerativePrior) -> Reconstruct:
    """Case -> volume with the method's default settings."""

    def reconstruct(case: Case) -> Volume:
        return reconstructed(prior, case, PriorSettings(), lambda _fraction, _stage: None).volume

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
    """Evaluate the run on held-out CT files and write its bundle into ``folder``; returns the manifest."""
    recipe = read_prior_recipe(Path(recipe_path))
    module = trained_prior(recipe)
    prior = GenerativePrior(module, manifest_of(recipe, Path(folder).name, [], version=version, commit=commit))
    rows = evaluate_patients(held_out, reconstruction_by(prior), recipe, VIEWS, rooms, realisms)
    return write_bundle(module, recipe, Path(folder), rows, version=version, commit=commit)
