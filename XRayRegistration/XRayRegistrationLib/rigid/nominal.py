"""Where a CT is expected before anything is known but the films' geometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import isocenter_of

CT_FRAME_WORDS = "RAS of"
"""How a geometry's ``frame`` begins when its world is that of a CT."""


def nominal_start(case: Case) -> NDArray[np.float64]:
    """The pose (4, 4) ``ct_to_world`` that positioning by angles and isocentre alone gives.

    When every film's geometry is stated in the RAS of a CT, and the point that the films look at lies in this CT, the
    CT is where it says: the identity. Else (isocentre of a C-arm, a chest stand) the CT is upright with its middle at
    the point that the films look at; patients are centred there.

    Raises
    ------
    InputError
        When the case has no CT or no film.
    """
    if case.ct is None or not case.radiographs:
        raise InputError("A start needs the CT and at least one X-ray: add them.")
    geometries = [radiograph.geometry for radiograph in case.radiographs]
    isocenter = isocenter_of(geometries)
    in_ct_frame = all(geometry.frame.startswith(CT_FRAME_WORDS) for geometry in geometries)
    start = np.eye(4)
    if not (in_ct_frame and _holds(case.ct, isocenter)):
        start[:3, 3] = isocenter - case.ct.center_ras_mm
    return start


def _holds(ct: Volume, point_ras_mm: NDArray[np.float64]) -> bool:
    """Whether the point lies inside the CT's box."""
    index = np.linalg.solve(ct.ijk_to_ras, [*point_ras_mm, 1.0])[:3]
    return bool(((index >= -0.5) & (index <= np.array(ct.voxels.shape[::-1]) - 0.5)).all())
