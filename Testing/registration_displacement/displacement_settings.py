"""A preparation that takes seconds."""

from __future__ import annotations

SETTINGS = {
    "iterations": 3,
    "input_px": 64,
    "width": 8,
    "batch": 2,
    "exposures": 4,
    "exposures_per_batch": 1,
    "views_per_state": 1,
    "validation_films": 2,
    "modes": 4,
    "states": 12,
    "device": "cpu",
}
