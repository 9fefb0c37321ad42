"""A training run of the network of Henzler et al. as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.anatomy import RoomVariation
from shared.films import FilmVariation
from shared.recipe_file import built, read_fields


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run. Paths are relative to the recipe's folder; $VARIABLES are expanded."""

    name: str
    output: Path
    data: Path
    patients: Mapping[str, float]
    """File in ``data`` -> how often it is drawn."""
    minutes: float
    """Of training; the learning rate falls along a half cosine of the time spent."""
    coarse_share: float = 0.8
    """Of the time, in which the coarse half is trained; then the fusion, on top of it."""
    learning_rate: float = 1e-3
    batch: int = 4
    edge_mm: float = 416.0
    side: int = 128
    channels: tuple[int, ...] = (32, 64, 128, 192, 256)
    replay: int = 6
    checkpoint_every: int = 25
    threads: int = 1
    seed: int = 0
    room: RoomVariation = field(default_factory=RoomVariation)
    film: FilmVariation = field(default_factory=FilmVariation)


def read_recipe(path: Path) -> Recipe:
    """Recipe from YAML; InputError names the field that is missing or unknown."""
    content = read_fields(path, {"room": RoomVariation, "film": FilmVariation}, ("output", "data"))
    return built(Recipe, content, path.name)
