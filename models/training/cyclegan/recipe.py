"""A CycleGAN training run as a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.anatomy import RoomVariation
from shared.recipe_file import built, read_fields


@dataclass(frozen=True)
class TransferRecipe:
    """Everything that decides a run. Paths are relative to the recipe's folder; $VARIABLES are expanded."""

    name: str
    output: Path
    data: Path
    """Folder of the CTs."""
    patients: Mapping[str, float]
    """File in ``data`` -> how often it is drawn."""
    films: Path
    """Folder of real films named ``<pair>_front.*`` and ``<pair>_lat.*``."""
    pairs: tuple[str, ...]
    """Those to train on; all others in the folder are held out."""
    iterations: int
    constant_share: float = 0.5
    """Constant learning rate for this share, then linearly to zero, as published."""
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    width: int = 16
    blocks: int = 3
    discriminator_width: int = 24
    cycle_weight: float = 10.0
    identity_weight: float = 5.0
    structure_weight: float = 0.0
    """Of what keeps anatomy in place (``structure.py``), not in the paper."""
    pool_size: int = 50
    averaging: float = 0.99
    """Decay of the running average of the weights; the average is what is exported."""
    simulated_count: int = 160
    """Simulated patients, two films each, made before training."""
    edge_mm: float = 416.0
    batch: int = 1
    checkpoint_every: int = 50
    threads: int = 2
    seed: int = 0
    room: RoomVariation = field(default_factory=RoomVariation)


def read_transfer_recipe(path: Path) -> TransferRecipe:
    """Recipe from YAML; InputError names the field that is missing or unknown."""
    content = read_fields(path, {"room": RoomVariation}, ("output", "data", "films"))
    return built(TransferRecipe, content, path.name)
