"""What a handful of films cannot show, in words."""

from __future__ import annotations

import numpy as np
from XRayLib.case import Case

PARALLEL_DEG = 15.0
"""Beams closer than this show the patient from practically the same side."""

ENERGY = (
    "HU values hold for an effective energy of about 64 keV (water 0.02/mm); scatter and beam hardening are not "
    "corrected."
)


def limits_of(case: Case) -> tuple[str, ...]:
    """Sentences about depth, streaks and energy for the case's number of films."""
    prior = " beyond the prior CT" if case.ct is not None else ""
    views = len(case.radiographs)
    if views == 1:
        text = (
            f"One film measures nothing along its beam{prior}: where a structure lies in depth, and how thick it is, "
            "is an assumption."
        )
    elif views == 2:
        text = (
            f"Two films do not determine a volume{prior}: each smears its shadows along its beam, organs have no "
            "outlines of their own, and small or faint structures can lie anywhere along the rays."
        )
    else:
        text = (
            f"{views} films are far fewer than a CT's{prior}: streaks run along the beams, and small or faint "
            "structures are not determined."
        )
    sentences = [text + " Never read pathology from it.", ENERGY]
    if views > 1 and _largest_angle_deg(case) < PARALLEL_DEG:
        sentences.insert(1, "All films look along nearly the same direction: together they tell little more than one.")
    return tuple(sentences)


def _largest_angle_deg(case: Case) -> float:
    normals = np.array([radiograph.geometry.detector_normal for radiograph in case.radiographs])
    cosines = np.clip(np.abs(normals @ normals.T), 0.0, 1.0)
    return float(np.degrees(np.arccos(cosines.min())))
