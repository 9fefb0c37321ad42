"""Steps, rates and weights of X2Vision's optimisation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from XRayLib.errors import InputError


@dataclass(frozen=True)
class PriorSettings:
    """Keys of ``Options.settings``. The three regularising weights are the published ones (Cafaro et al. 2023)."""

    steps: int = 100
    style_rate: float = 0.1
    """Of Adam, in standard deviations of a style."""
    noise_rate: float = 0.02
    pixel_weight: float = 100.0
    """Of the squared residual of the films relative to their contrast."""
    feature_weight: float = 20.0
    """Of the perceptual distance between films and projections, relative to their contrast."""
    style_weight: float = 0.1
    """L_w: styles stay where training had them."""
    colinearity_weight: float = 0.05
    """L_c: the styles of all layers point the same way."""
    noise_weight: float = 10.0
    """L_n: noise stays N(0, I)."""

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """From ``Options.settings``. Raises InputError for a name that is not known or a value that cannot be used."""
        kinds = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - set(kinds)):
            raise InputError(f"Unknown settings of X2Vision: {', '.join(unknown)}.")
        for name, value in values.items():
            allowed = (int, float) if kinds[name] is float else (int,)
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise InputError(f"X2Vision's setting '{name}' must be of type {kinds[name].__name__}.")
            if value < 0 or (value == 0 and name in ("steps", "style_rate")):
                raise InputError(f"X2Vision's setting '{name}' must be greater than 0.")
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return dataclasses.asdict(self)
