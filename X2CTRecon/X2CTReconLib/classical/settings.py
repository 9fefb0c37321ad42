"""What the user can set in ``Options.extra``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from XRayLib.errors import InputError

TOTAL_VARIATION, TIKHONOV = "tv", "tikhonov"
REGULARISATIONS = (TOTAL_VARIATION, TIKHONOV)


@dataclass(frozen=True)
class Settings:
    """Keys of ``Options.extra`` that the classical methods read; 0 stands for the method's own choice."""

    spacing_mm: float = 0.0
    iterations: int = 0
    regularisation: str = TOTAL_VARIATION
    strength: float = 1.0
    """Factor on the regularisation; 0 turns it off."""

    @classmethod
    def of(cls, extra: Mapping[str, Any]) -> Settings:
        """Raises InputError for a value that cannot be used."""
        known = {field.name for field in fields(cls)}
        settings = cls(**{key: value for key, value in extra.items() if key in known})
        if not _number(settings.spacing_mm) or not (settings.spacing_mm == 0 or 0.5 <= settings.spacing_mm <= 50):
            raise InputError("spacing_mm must be a number from 0.5 to 50, or 0 for automatic.")
        if isinstance(settings.iterations, bool) or not isinstance(settings.iterations, int):
            raise InputError("iterations must be a whole number.")
        if not 0 <= settings.iterations <= 500:
            raise InputError("iterations must be 1 to 500, or 0 for automatic.")
        if settings.regularisation not in REGULARISATIONS:
            raise InputError(f"regularisation must be one of {', '.join(REGULARISATIONS)}.")
        if not _number(settings.strength) or not 0 <= settings.strength <= 1000:
            raise InputError("strength must be a number from 0 to 1000.")
        return settings


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
