"""A training run as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.anatomy import RoomVariation
from shared.films import FilmVariation
from shared.recipe_file import built, read_fields

from x2ct.losses import LossWeights

FINEST_LEVEL = 5


@dataclass(frozen=True)
class Stage:
    """Iterations at one resolution: the volume after ``levels`` decoder levels has 4 * 2**levels voxels a side."""

    iterations: int
    levels: int = FINEST_LEVEL
    learning_rate: float = 2e-4
    constant_share: float = 0.5
    """Constant learning rate for this share, then linearly to zero (published: 50 + 50 epochs)."""
    from_level: int = 1
    """Train decoder levels from this one up; 1 with the encoders, more leaves all below as they are."""
    fitted_samples: int = 0
    """At the finest level, after a stage one level below: start it from that level, the output head fitted to so many
    samples."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run. Paths are relative to the recipe's folder; $VARIABLES are expanded."""

    name: str
    output: Path
    data: Path
    patients: Mapping[str, float]
    """File in ``data`` -> how often it is drawn."""
    stages: tuple[Stage, ...]
    views: tuple[str, ...] = ("frontal", "lateral")
    edge_mm: float = 416.0
    width: float = 1.0
    level_channels: tuple[int, ...] | None = None
    dropout: float = 0.5
    betas: tuple[float, float] = (0.5, 0.99)
    weights: LossWeights = field(default_factory=LossWeights)
    discriminator_width: float | None = None
    """None trains X2CT-CNN; a number X2CT-GAN with a discriminator of that width multiplier."""
    start_from: Path | None = None
    """Checkpoint of another run whose matching weights are the start."""
    averaging: float = 0.995
    """Decay of the running average of the weights; the average is what is exported."""
    replay: int = 1
    """How often a drawn sample is used."""
    checkpoint_every: int = 100
    threads: int = 2
    precision: str = "32-true"
    seed: int = 0
    room: RoomVariation = field(default_factory=RoomVariation)
    film: FilmVariation = field(default_factory=FilmVariation)

    @property
    def iterations(self) -> int:
        """Of all stages."""
        return sum(stage.iterations for stage in self.stages)

    def stage_at(self, iteration: int) -> tuple[Stage, float]:
        """The stage of an iteration and how much of it is done, 0..1."""
        for stage in self.stages:
            if iteration < stage.iterations:
                return stage, iteration / stage.iterations
            iteration -= stage.iterations
        return self.stages[-1], 1.0


PARTS = {"weights": LossWeights, "room": RoomVariation, "film": FilmVariation}
PATHS = ("output", "data", "start_from")


def read_recipe(path: Path) -> Recipe:
    """Recipe from YAML; InputError names the field that is missing or unknown."""
    content = read_fields(path, PARTS, PATHS)
    content["stages"] = tuple(built(Stage, s, f"stages of {path.name}") for s in content.get("stages", ()))
    return built(Recipe, content, path.name)
