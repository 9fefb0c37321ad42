"""The view of a chest film that does not state it, recognised from the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.radiograph.frontal_symmetry import frontal_symmetry
from XRayLib.radiograph.lateral_facing import facing_right
from XRayLib.radiograph.open_beam import field_sides

FRONTAL_RIDGE, RIDGE_SPREAD = 0.22, 0.04
"""Chest films and DRRs: frontal 0.31 to 0.68, lateral -0.16 to 0.14."""
TRUNK_RIDGE, TRUNK_CORRELATION = 0.32, 0.88
"""Below the lungs the spine is a ridge in both views; there only nearly perfect symmetry tells a frontal view."""
LATERAL_SIDES = -0.1
"""Sides of the field, as ranks: a lateral film has air or soft tissue on both; a limb or a tight field has not."""
FACING_SPREAD = 0.4
SURE = 0.7
FALLBACK_VIEW = "PA"


@dataclass(frozen=True)
class ViewGuess:
    """``view``: "PA", "LL" or "RL", "" when neither a frontal nor a lateral trunk was recognised. ``confidence``: 0..1,
    below SURE the sentence says so. ``sentence``: for the user."""

    view: str
    confidence: float
    sentence: str


def recognise_view(image: NDArray[np.generic], field: NDArray[np.bool_] | None = None) -> ViewGuess:
    """Tell PA, left and right lateral chest views apart.

    A heuristic: a frontal chest is symmetric about a bright central ridge (see `frontal_symmetry`); a lateral is not,
    and which way it faces follows from diaphragm, vertebrae and outline (see `facing_right`). AP cannot be told from
    PA. A left lateral shows the patient facing image-left; the same film hung mirrored is taken as a right lateral,
    which differs only in which lung is magnified more.

    Parameters
    ----------
    image : (rows, columns), bone bright
    field : (rows, columns) bool or None
        The exposed field.
    """
    symmetry = frontal_symmetry(image, field)
    frontal = float(1 / (1 + np.exp(-(symmetry.ridge - FRONTAL_RIDGE) / RIDGE_SPREAD)))
    if 0.15 < symmetry.ridge < TRUNK_RIDGE and symmetry.correlation < TRUNK_CORRELATION:
        frontal = min(frontal, 0.6)
    if frontal >= SURE:
        return ViewGuess("PA", frontal, "The image was recognised as a frontal view and taken as PA.")
    if frontal > 1 - SURE or field_sides(image, field).rank > LATERAL_SIDES:
        return ViewGuess("", max(frontal, 1 - frontal), f"The view was not recognised: {FALLBACK_VIEW} was assumed.")
    evidence = facing_right(image, field)
    confidence = (1 - frontal) / (1 + float(np.exp(-abs(evidence) / FACING_SPREAD)))
    view, side = ("RL", "right") if evidence > 0 else ("LL", "left")
    doubt = "" if confidence >= SURE else " The direction is uncertain: state the view if it is wrong."
    return ViewGuess(
        view,
        confidence,
        f"The image was recognised as a lateral view with the patient facing image-{side} and taken as {view}.{doubt}",
    )
