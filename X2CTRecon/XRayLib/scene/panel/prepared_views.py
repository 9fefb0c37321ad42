"""The views that a patient is prepared for: those of the films that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.scene.radiograph_nodes import film_geometry

VIEW_STEP_DEG = 15.0
"""Angles are rounded to it: a network copes with more, and is not trained anew for less."""


def views_deg(films: Sequence[Any], ct_to_world: np.ndarray) -> list[tuple[float, float]]:
    """Primary and secondary angles of the films to the CT where ``ct_to_world`` (4, 4) puts it, each pair once.

    Raises InputError for a film under a transform that is not rigid.
    """
    geometries = [film_geometry(film).moved(ct_to_world) for film in films]
    angles = [(geometry.primary_angle_deg, geometry.secondary_angle_deg) for geometry in geometries]
    return sorted({(_rounded(primary), _rounded(secondary)) for primary, secondary in angles})


def _rounded(angle_deg: float) -> float:
    return float(VIEW_STEP_DEG * round(angle_deg / VIEW_STEP_DEG)) + 0.0  # no minus zero
