"""Where the refinement starts: a given pose, landmarks, or a search without training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case
from XRayLib.errors import InputError

from XRayRegistrationLib.rigid.landmarks import landmark_start
from XRayRegistrationLib.rigid.least_squares import Matcher
from XRayRegistrationLib.rigid.nominal import nominal_start
from XRayRegistrationLib.rigid.search import SearchRange, search
from XRayRegistrationLib.rigid.settings import RigidSettings

Matrix = NDArray[np.float64]

SEARCH_CANDIDATES = 16
NEARBY_CANDIDATES = 5
NEARBY = SearchRange(rotation_deg=7.5, shift_mm=16.0, depth_mm=40.0)
"""About a given start or landmarks: what a hand-placed CT is off by."""


def chosen_initialisation(case: Case, settings: RigidSettings) -> str:
    """What "auto" stands for in this case.

    Raises InputError when what the settings ask for is not there.
    """
    wanted = settings.initialisation
    if wanted == "auto":
        if case.initial_ct_to_world is not None:
            return "given"
        return "landmarks" if case.landmarks is not None else "search"
    if wanted == "given" and case.initial_ct_to_world is None:
        raise InputError("There is no initial pose: place the CT by hand, or choose another initialisation.")
    if wanted == "landmarks" and case.landmarks is None:
        raise InputError("There are no landmarks: pick at least three pairs, or choose another initialisation.")
    return wanted


def starts_of(case: Case, settings: RigidSettings, coarsest: Matcher) -> tuple[list[Matrix], tuple[str, ...]]:
    """Start poses, the most trusted first, and notes for the user."""
    kind = chosen_initialisation(case, settings)
    if kind == "search":
        nominal = nominal_start(case) if case.initial_ct_to_world is None else case.initial_ct_to_world
        extent = SearchRange(settings.rotation_range_deg, settings.shift_range_mm, settings.depth_range_mm)
        return _searched(coarsest, nominal, extent, SEARCH_CANDIDATES), ()
    if kind == "landmarks":
        found = landmark_start(case)
        given, notes = [found.ct_to_world, *found.alternatives], found.notes
    else:
        given, notes = [np.asarray(case.initial_ct_to_world, float)], ()
    return given + _searched(coarsest, given[0], NEARBY, NEARBY_CANDIDATES), notes


def _searched(coarsest: Matcher, nominal: Matrix, extent: SearchRange, number: int) -> list[Matrix]:
    candidates = search(coarsest, nominal, extent, number)
    return [candidate.ct_to_world for candidate in candidates]
