"""Sizes, iterations and rates of NeRP: what a processor manages in about a minute, and what was published."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from XRayLib.errors import InputError


@dataclass(frozen=True)
class ImplicitSettings:
    """How the earlier CT is embedded and how the films then change it. The defaults suit a processor."""

    fourier_features: int = 64
    fourier_scale: float = 4.0
    """Standard deviation of the frequencies, cycles per edge of the grid."""
    depth: int = 4
    width: int = 64
    sine_frequency: float = 30.0
    """w0 of SIREN."""
    grid_voxels: int = 48
    """Along the longest edge of the CT, at most the CT's own."""
    film_px: int = 96
    """Along the longer edge of a film, at most the film's own."""
    embedding_iterations: int = 400
    embedding_batch: int = 4096
    """Voxels per iteration, 0: all."""
    embedding_rate: float = 1e-3
    weight_decay: float = 1e-4
    """Of the embedding."""
    iterations: int = 150
    rate: float = 2e-4
    anneal: bool = True
    """Let the rate of the second stage fall to 0 along a cosine; published: constant."""
    change_only: bool = True
    """True: the network's change since the embedding is added to the CT, inside the body and where rays pass, so that
    the CT's detail stays. False: the volume is the network itself, as published."""
    cache: bool = True
    """Keep the embedded CT on this computer and use it again."""

    def __post_init__(self) -> None:
        for name in ("fourier_features", "width", "grid_voxels", "film_px", "embedding_iterations", "iterations"):
            if getattr(self, name) < 1:
                raise InputError(f"NeRP's setting '{name}' must be at least 1.")
        if self.depth < 2:
            raise InputError("NeRP's setting 'depth' must be at least 2.")
        if self.embedding_batch < 0:
            raise InputError("NeRP's setting 'embedding_batch' must be 0 (all voxels) or more.")
        if not (self.rate > 0 and self.embedding_rate > 0):
            raise InputError("NeRP's rates must be greater than 0.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """From ``Options.settings``: "preset" ("quick" or "published") and single settings by name.

        Raises InputError for a name that is not known or a value of a wrong kind.
        """
        preset = values.get("preset", "quick")
        if preset not in PRESETS:
            raise InputError(f"NeRP has no preset '{preset}': choose one of {', '.join(PRESETS)}.")
        given = {name: value for name, value in values.items() if name != "preset"}
        kinds = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        if unknown := sorted(set(given) - set(kinds)):
            raise InputError(f"Unknown settings of NeRP: {', '.join(unknown)}.")
        for name, value in given.items():
            allowed = (int, float) if kinds[name] is float else (kinds[name],)
            if not isinstance(value, allowed) or (isinstance(value, bool) and kinds[name] is not bool):
                raise InputError(f"NeRP's setting '{name}' must be of type {kinds[name].__name__}.")
        return cls(**{**PRESETS[preset], **given})

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return dataclasses.asdict(self)

    def of_embedding(self) -> dict[str, Any]:
        """Those that the embedded network depends on."""
        later = {"film_px", "iterations", "rate", "anneal", "cache"}
        return {name: value for name, value in self.as_json().items() if name not in later}


PUBLISHED: Mapping[str, Any] = {
    "fourier_features": 256,
    "fourier_scale": 4.0,
    "depth": 8,
    "width": 256,
    "sine_frequency": 30.0,
    "grid_voxels": 128,
    "film_px": 800,
    "embedding_iterations": 2000,
    "embedding_batch": 0,
    "embedding_rate": 1e-4,
    "weight_decay": 1e-4,
    "iterations": 2000,
    "rate": 1e-5,
    "anneal": False,
    "change_only": False,
}
"""Shen et al., IEEE TNNLS 2022, and the code published with it (cone beam)."""

PRESETS: dict[str, Mapping[str, Any]] = {"quick": {}, "published": PUBLISHED}
"""Which settings they change."""
