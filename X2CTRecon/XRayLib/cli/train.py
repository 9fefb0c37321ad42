"""``xray3d train`` and ``xray3d export``: recipes in, bundles out. Needs a source checkout (models/training)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from XRayLib.cli.output import JsonFlag, reporting
from XRayLib.errors import InputError, MissingDependencyError

TRAINING = Path(__file__).resolve().parents[3] / "models" / "training"


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, e.g. models/training/x2ct/recipes/cnn-2view.yaml.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a network by its recipe."""
    with reporting(as_json) as out:
        checkpoint = _training_package(recipe).train(recipe, resume=resume)
        out.result({"checkpoint": checkpoint}, f"Wrote {checkpoint}")


def export(
    recipe: Annotated[Path, typer.Argument(help="The recipe that was trained.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new bundle.")],
    as_json: JsonFlag = False,
) -> None:
    """Export the trained network of a recipe as a model bundle."""
    with reporting(as_json) as out:
        folder = _training_package(recipe).export(recipe, output)
        out.result({"bundle": folder}, f"Wrote {folder}")


def _training_package(recipe: Path) -> ModuleType:
    """The package in models/training that the recipe lies in; it defines ``train`` and ``export``."""
    if not recipe.is_file():
        raise InputError(f"There is no recipe {recipe}: see models/training in the source checkout.")
    if not TRAINING.is_dir():
        raise MissingDependencyError(
            "Training needs a source checkout of XRay3D: the folder models/training is absent."
        )
    try:
        name = recipe.resolve().relative_to(TRAINING).parts[0]
    except ValueError:
        name = "x2ct"
    sys.path.insert(0, str(TRAINING))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"Training needs the package {error.name}: install 'xray3d[train]'.") from error
