"""Which of the given radiographs is the frontal and which the lateral film of the X2CT networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph

from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube, role_of
from X2CTReconLib.canonical_intensity import canonical_films
from X2CTReconLib.input_check.film_check import film_warnings

LARGEST_ANGLE_DEG = 25.0
"""Beams farther off the frontal or lateral direction are refused: the networks know these two views only."""

NOTICEABLE_ANGLE_DEG = 10.0
SMALLEST_SEEN_SHARE = 0.3

VIEW_WORDS = {FRONTAL: "a frontal view (PA or AP)", LATERAL: "a lateral view"}

TWO_FILMS_LIMIT = (
    "Two films do not determine a volume: depth along the beams and everything inside the organs is the network's "
    "guess from the CTs it was trained on. Never read pathology from it."
)
ONE_FILM_LIMIT = TWO_FILMS_LIMIT.replace("Two films do", "One film does")


def roles_of(radiographs: Sequence[Radiograph], wanted: Sequence[str]) -> dict[str, Radiograph]:
    """The radiograph for each wanted role, told apart by geometry whatever their order.

    Raises InputError, saying what to do, for oblique views and for two views of the same role.
    """
    found: dict[str, Radiograph] = {}
    for radiograph in radiographs:
        role, angle = role_of(radiograph.geometry)
        if angle > LARGEST_ANGLE_DEG:
            geometry = radiograph.geometry
            raise InputError(
                f"A view at {geometry.primary_angle_deg:.0f}/{geometry.secondary_angle_deg:.0f} degrees is {angle:.0f} "
                f"degrees off the nearest frontal or lateral direction; this method takes up to "
                f"{LARGEST_ANGLE_DEG:.0f}: choose another view, or correct its geometry."
            )
        if role in found:
            raise InputError(
                f"Both views are {role}: give one frontal and one lateral view, or only one view, or correct their "
                "geometry."
            )
        found[role] = radiograph
    missing = [role for role in wanted if role not in found]
    if missing:
        raise InputError(f"This model needs {' and '.join(VIEW_WORDS[role] for role in missing)}: add it.")
    return {role: found[role] for role in wanted}


def network_films(
    views: Mapping[str, Radiograph], center_ras_mm: np.ndarray, edge_mm: float, size: int
) -> tuple[CanonicalCube, dict[str, np.ndarray], tuple[str, ...]]:
    """The cube around the isocentre, the normalised (size, size) film per role, and warnings.

    Raises RefusedError for films that are certainly turned, swapped, or twice the same.
    """
    cube = CanonicalCube(center_ras_mm, edge_mm, size)
    films, masks = canonical_films(cube, views)
    warnings = [
        f"The {role} view shows only {100 * seen.mean():.0f} % of the {edge_mm:.0f} mm field around the isocentre: the "
        "rest is guessed."
        for role, seen in masks.items()
        if seen.mean() < SMALLEST_SEEN_SHARE
    ]
    return cube, films, (*warnings, *film_warnings(films, masks))


def view_warnings(views: Mapping[str, Radiograph]) -> tuple[str, ...]:
    """What the user must know about the given views before looking at the result."""
    warnings = [ONE_FILM_LIMIT if len(views) == 1 else TWO_FILMS_LIMIT]
    for role, radiograph in views.items():
        angle = role_of(radiograph.geometry)[1]
        if angle > NOTICEABLE_ANGLE_DEG:
            warnings.append(f"The {role} view is {angle:.0f} degrees off its standard direction; accuracy suffers.")
        warnings.extend(f"{role.capitalize()} view: {text}" for text in assumed_of(radiograph))
    return tuple(warnings)


def assumed_of(radiograph: Radiograph) -> tuple[str, ...]:
    """Sentences about what was assumed of a view."""
    told = radiograph.assumptions
    if radiograph.geometry.assumed and not any("eometry assumed" in text for text in told):
        told = (*told, f"Geometry assumed: {'; '.join(radiograph.geometry.assumed)}.")
    return told
