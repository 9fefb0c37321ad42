"""Why a registration failed: a film that fits when it is mirrored or turned was stored that way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case
from XRayLib.errors import RefusedError
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.rigid.coarse_to_fine import Refinement, levels_of, refine
from XRayRegistrationLib.rigid.confidence import worst_film
from XRayRegistrationLib.rigid.least_squares import MatchState
from XRayRegistrationLib.rigid.patient import Patient
from XRayRegistrationLib.rigid.settings import RigidSettings
from XRayRegistrationLib.rigid.starts import starts_of

Array = NDArray

CLEARLY_BETTER = 1.6
"""Ratio of the evidence of an altered film to that of the film as it is."""

SMALLEST_SIMILARITY = 0.8
"""Of an altered film at the second level, to name it as the cause."""

DIAGNOSIS_LEVELS = 2

MIRRORED = "mirrored: flip it left to right"
ALTERATIONS: dict[str, Callable[[Array], Array]] = {
    MIRRORED: lambda image: image[:, ::-1],
    "upside down: turn it by 180 degrees": lambda image: image[::-1, ::-1],
    "turned: turn it by 90 degrees to the right": lambda image: np.rot90(image, -1),
    "turned: turn it by 90 degrees to the left": lambda image: np.rot90(image, 1),
}


def wrong_orientation(
    case: Case, settings: RigidSettings, patient: Patient, refinement: Refinement, alterations: Sequence[str]
) -> str:
    """What is wrong with the orientation of the film that matches worst, in words; empty when nothing is.

    Each of ``alterations`` (keys of ALTERATIONS) is registered by the same search, at the coarse levels only and
    without the other films.
    """
    number = worst_film(refinement)
    radiograph = case.radiographs[number]
    alone = replace(case, radiographs=(radiograph,))
    as_it_is = _known(refinement).evidence
    if len(case.radiographs) > 1:
        found = _found(alone, settings, patient)
        as_it_is = 0.0 if found is None else found.evidence
    for words in alterations:
        altered = _altered(radiograph, ALTERATIONS[words])
        if altered is not None:
            found = _found(replace(case, radiographs=(altered,)), settings, patient)
            if found and found.evidence > CLEARLY_BETTER * as_it_is and found.similarity > SMALLEST_SIMILARITY:
                return f"X-ray {number + 1} seems to be {words} and try again."
    return ""


def _known(refinement: Refinement) -> MatchState:
    return refinement.levels[min(DIAGNOSIS_LEVELS, len(refinement.levels)) - 1][0]


def _found(case: Case, settings: RigidSettings, patient: Patient) -> MatchState | None:
    """The best state of a search at the coarse levels; None when the CT does not meet the film from any start."""
    levels = levels_of(patient, case.radiographs, DIAGNOSIS_LEVELS)
    starts = starts_of(case, settings, levels)
    try:
        return _known(refine(levels, starts.poses, plausible=starts.plausible))
    except RefusedError:
        return None


def _altered(radiograph: Radiograph, alter: Callable[[Array], Array]) -> Radiograph | None:
    """The film with its pixels rearranged on the same detector; None when they do not fit on it."""
    image = alter(radiograph.line_integral)
    if image.shape != radiograph.line_integral.shape:
        return None
    mask = None if radiograph.mask is None else np.ascontiguousarray(alter(radiograph.mask))
    return replace(radiograph, line_integral=np.ascontiguousarray(image), mask=mask)
