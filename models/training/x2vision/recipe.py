"""A training run of the generative prior as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.anatomy import RoomVariation
from shared.recipe_file import built, read_fields


@dataclass(frozen=True)
class PriorWeights:
    """Of the losses, which are means over voxels in network values (0..1 for 2500 HU)."""

    reconstruction: float = 10.0
    features: float = 3.0
    adversarial: float = 0.1
    style_match: float = 1.0
    """Of how far mean and standard deviation of mapped styles are from those of encoded ones."""
    gradient_penalty: float = 1.0
    """R1, half of gamma."""


@dataclass(frozen=True)
class PriorRecipe:
    """Everything that decides a run. Paths are relative to the recipe's folder; $VARIABLES are expanded."""

    name: str
    output: Path
    data: Path
    patients: Mapping[str, float]
    iterations: int
    adversarial_from: int
    """Iteration at which the discriminator starts; before, volumes are only reconstructed from their styles."""
    batch: int = 4
    edge_mm: float = 416.0
    channels: tuple[int, ...] = (64, 48, 24, 12)
    """Of the generator's levels, coarsest (4^3) first."""
    discriminator_channels: tuple[int, ...] = (8, 16, 32, 48)
    """Finest first."""
    style_width: int = 64
    mapping_depth: int = 4
    learning_rate: float = 4e-3
    discriminator_rate: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.99)
    penalty_every: int = 8
    """Lazy regularisation: R1 is computed every so often, and counts so many times."""
    averaging: float = 0.98
    drawn_count: int = 600
    """Deformed patients drawn before training."""
    weights: PriorWeights = field(default_factory=PriorWeights)
    checkpoint_every: int = 20
    threads: int = 2
    seed: int = 0
    room: RoomVariation = field(default_factory=RoomVariation)

    @property
    def side(self) -> int:
        """Voxels along an edge of the volume."""
        return 4 * 2 ** (len(self.channels) - 1)

    @property
    def voxel_mm(self) -> float:
        """Spacing of the volume."""
        return self.edge_mm / self.side


def read_prior_recipe(path: Path) -> PriorRecipe:
    """Recipe from YAML; InputError names the field that is missing or unknown."""
    content = read_fields(path, {"room": RoomVariation, "weights": PriorWeights}, ("output", "data"))
    return built(PriorRecipe, content, path.name)
