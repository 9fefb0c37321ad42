"""Where a network prepared for the organ sees it on the films, as the numbers that steer the soft tissue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options
from XRayLib.errors import XRay3DError
from XRayLib.preparation.patient_folder import prepared_bundle
from XRayLib.registry import method

if TYPE_CHECKING:
    from XRayLib.motion import SteeredMotion

Matrix = NDArray[np.float64]

NETWORK = "organ-mesh"
LARGEST = 2.5
"""Standard deviations: a start need not go farther."""


def motion_seen(case: Case, soft: SteeredMotion, ct_to_world: Matrix, options: Options) -> Matrix | None:
    """(numbers,) that come nearest to the organ that the network sees; None when it is not prepared or sees nothing."""
    if case.mesh is None or prepared_bundle(case.ct, NETWORK, case.mesh) is None:
        return None
    placed = replace(case, initial_ct_to_world=ct_to_world)
    try:
        seen = method(NETWORK).run(placed, replace(options, bundle="", extra={"refine": False}), lambda *_: None).mesh
    except XRay3DError:  # off the film, for example: a start is not worth an error
        return None
    now = (seen.points - ct_to_world[:3, 3]) @ ct_to_world[:3, :3]
    return np.clip(soft.values_of(now - case.mesh.points), -LARGEST, LARGEST)
