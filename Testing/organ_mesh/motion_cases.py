"""Settings of small trainings."""

from __future__ import annotations

from typing import Any

from XRayLib.preparation.motion_settings import MotionPreparationSettings

SMALL: dict[str, Any] = {
    "iterations": 6,
    "batch": 4,
    "width": 8,
    "learning_rate": 3e-3,
    "input_px": 64,
    "exposures": 8,
    "exposures_per_batch": 1,
    "views_per_state": 2,
    "modes": 6,
    "states": 20,
    "validation_films": 6,
    "device": "cpu",
}


def small(**changes: object) -> MotionPreparationSettings:
    """Settings of a training that takes a second or two."""
    return MotionPreparationSettings.from_mapping({**SMALL, **changes})
