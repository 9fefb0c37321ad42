"""``xray3d train`` and ``xray3d export``: recipes in, bundles out. Needs a source checkout (models/training)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from XRayLib.cli.options import JsonFlag
from XRayLib.cli.output import reporting
from XRayLib.errors import InputError, MissingDependencyError

TRAINING = Path(__file__).resolve().parents[3] / "models" / "training"


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe, e.g. models/training/recipes/x2ct-cnn-chest-2view.yaml.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train a network by its recipe."""
    with reporting(as_json) as out:
        checkpoint = _training_module(recipe, "train").train(recipe, resume=resume)
        out.result({"checkpoint": checkpoint}, f"Wrote {checkpoint}")


def export(
    recipe: Annotated[Path, typer.Argument(help="The recipe that was trained.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the new bundle.")],
    held_out: Annotated[list[Path] | None, typer.Option(help="CT of a patient never trained on, for the card.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Export the trained network of a recipe as a model bundle, evaluated on held-out patients."""
    with reporting(as_json) as out:
        _training_module(recipe, "finished_run").export_bundle(recipe, output, held_out or ())
        out.result({"bundle": output}, f"Wrote {output}")


def _training_module(recipe: Path, name: str) -> ModuleType:
    """A module of the package in models/training that a recipe's name begins with, e.g. x2ct for x2ct-cnn-chest."""
    if not recipe.is_file():
        raise InputError(f"There is no recipe {recipe}: see models/training in the source checkout.")
    package = recipe.stem.partition("-")[0]
    if not (TRAINING / package / f"{name}.py").is_file():
        raise MissingDependencyError(
            f"No training code for '{package}' was found: training needs a source checkout of XRay3D."
        )
    sys.path.insert(0, str(TRAINING))
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        raise MissingDependencyError(f"Training needs the package {error.name}: install 'xray3d[train]'.") from error
