"""A training run of the lifting network as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.anatomy import RoomVariation
from shared.films import FilmVariation
from shared.recipe_file import built, read_fields

from lifting.losses import LossWeights
from lifting.network import Widths
from lifting.stream import Exposure
from lifting.views import ViewVariation


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
    consistent: bool = True
    """Start at the atlas deformed to the films and made consistent with them; false: at the mean, which is cheaper to
    train the features."""
    start_from: Path | None = None
    """Output folder of another run whose weights are the start; the output heads begin anew."""
    coarse_share: float = 0.4
    """Of the time, in which only the coarse half of the network is trained, on half the grid."""
    learning_rate: float = 1.5e-3
    warm_up: int = 40
    """Iterations of rising learning rate."""
    likelihood_from: float = 0.1
    """Share of the time after which the variance is trained."""
    averaging: float = 0.995
    """Decay of the running average of the weights; the average is what is exported."""
    edge_mm: float = 416.0
    side: int = 64
    """Voxels of the network's grid."""
    anatomy_side: int = 128
    """Voxels of the deformed patients that the films are projected from."""
    films_per_patient: int = 4
    replay: int = 3
    """How often a sample is used."""
    batch: int = 2
    """Patients per update."""
    checkpoint_every: int = 50
    threads: int = 1
    seed: int = 0
    widths: Widths = field(default_factory=Widths)
    weights: LossWeights = field(default_factory=LossWeights)
    room: RoomVariation = field(default_factory=RoomVariation)
    film: FilmVariation = field(default_factory=FilmVariation)
    views: ViewVariation = field(default_factory=ViewVariation)
    exposure: Exposure = field(default_factory=Exposure)


PARTS = {
    "widths": Widths,
    "weights": LossWeights,
    "room": RoomVariation,
    "film": FilmVariation,
    "views": ViewVariation,
    "exposure": Exposure,
}


def read_recipe(path: Path) -> Recipe:
    """Recipe from YAML; InputError names the field that is missing or unknown."""
    return built(Recipe, read_fields(path, PARTS, ("output", "data", "start_from")), path.name)
