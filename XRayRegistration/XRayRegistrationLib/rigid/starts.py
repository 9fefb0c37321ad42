"""Where the refinement starts: a given pose, landmarks, or a search without training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case
from XRayLib.errors import InputError
from XRayLib.metrics.pose import rotation_error_deg

from XRayRegistrationLib.rigid.coarse_to_fine import Levels
from XRayRegistrationLib.rigid.exhaustive_search import exhaustive_search
from XRayRegistrationLib.rigid.landmarks import landmark_start
from XRayRegistrationLib.rigid.nominal import nominal_start
from XRayRegistrationLib.rigid.search import Candidate, Effort, SearchRange, search
from XRayRegistrationLib.rigid.settings import RigidSettings

Matrix = NDArray[np.float64]

NEARBY_EFFORT = Effort(candidates=5)
BEYOND, ROOM_MM, ROOM_DEG = 1.1, 10.0, 5.0
"""A refined pose may lie this much outside of the searched range."""

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


@dataclass(frozen=True)
class Starts:
    """Poses to refine, the most trusted first."""

    poses: Sequence[Matrix]
    notes: tuple[str, ...] = ()
    """For the user."""
    plausible: Callable[[Matrix], bool] = lambda _pose: True
    """Whether a refined pose can be where the starts were looked for."""


def starts_of(
    case: Case,
    settings: RigidSettings,
    levels: Levels,
    exhaustive: bool = False,
    on_share: Callable[[float], None] = lambda _share: None,
) -> Starts:
    """The starts that the settings ask for; when that is a search, an ``exhaustive`` one if wanted, whose progress
    goes to ``on_share``.

    Raises InputError when what they ask for is not there.
    """
    kind = chosen_initialisation(case, settings)
    if kind == "search":
        nominal = nominal_start(case) if case.initial_ct_to_world is None else case.initial_ct_to_world
        extent = SearchRange(settings.rotation_range_deg, settings.shift_range_mm, settings.depth_range_mm)
        if exhaustive:
            found = exhaustive_search(levels.fine, nominal, extent, on_share=on_share)
        else:
            found = search(levels.widest, nominal, extent)
        pivot = levels.widest.pivot_ras_mm
        return Starts(_poses(found), plausible=lambda pose: _within(pose, nominal, pivot, extent))
    if kind == "landmarks":
        found = landmark_start(case)
        given, notes = [found.ct_to_world, *found.alternatives], found.notes
    else:
        given, notes = [np.asarray(case.initial_ct_to_world, float)], ()
    return Starts(given + _poses(search(levels.widest, given[0], NEARBY, NEARBY_EFFORT)), notes)


def _within(pose: Matrix, nominal: Matrix, pivot_ras_mm: Matrix, extent: SearchRange) -> bool:
    """Whether a pose lies in the searched range, with room for the corners of the range and the refinement."""
    change = pose @ np.linalg.inv(nominal)
    middle = (nominal @ [*pivot_ras_mm, 1])[:3]
    shift_mm = np.linalg.norm(change[:3, :3] @ middle + change[:3, 3] - middle)
    angle_deg = rotation_error_deg(nominal, pose)
    farthest_mm = np.hypot(np.sqrt(2) * extent.shift_mm, extent.depth_mm)
    farthest_deg = np.sqrt(3) * extent.rotation_deg
    return bool(shift_mm <= BEYOND * farthest_mm + ROOM_MM and angle_deg <= BEYOND * farthest_deg + ROOM_DEG)


def _poses(candidates: Sequence[Candidate]) -> list[Matrix]:
    return [candidate.ct_to_world for candidate in candidates]
