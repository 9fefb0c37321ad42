"""What no method can make sense of, whatever it does: a CT of 3 cm, a film twice, an organ of another CT."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from XRayLib.case import Case
from XRayLib.ct import Volume
from XRayLib.errors import InputError

SHORTEST_CT_MM, LONGEST_CT_MM = 50.0, 4000.0
"""Longest side of what can be a CT of a patient; one that is in centimetres or metres is shorter."""


def check_size(ct: Volume) -> None:
    """InputError for a CT that is not in millimetres: a search around it would not end, or fill the memory."""
    longest_mm = float(np.ptp(ct.corners_ras_mm, axis=0).max())
    if not SHORTEST_CT_MM <= longest_mm <= LONGEST_CT_MM:
        raise InputError(
            f"The CT is {longest_mm:.3g} mm long: its voxel size is not in millimetres, or it is not of a patient. "
            "Convert it again from the original."
        )


def check_films_differ(case: Case) -> None:
    """InputError for the same film given twice: it would count as two that agree."""
    for (first, one), (second, other) in combinations(enumerate(case.radiographs, start=1), 2):
        same_place = np.array_equal(one.geometry.ras_to_pixel, other.geometry.ras_to_pixel)
        if same_place and np.array_equal(one.line_integral, other.line_integral):
            raise InputError(f"X-rays {first} and {second} are the same film: give each once.")


def check_lies_in_ct(case: Case) -> None:
    """InputError for an organ or labels that lie wholly outside of the CT: they are of another, or in another frame."""
    if case.ct is None:
        return
    if case.mesh is not None and not _meets(case.ct, np.asarray(case.mesh.points)):
        raise InputError("The organ does not lie in the CT: choose the one that was made from this CT.")
    if case.labels is not None and not _meets(case.ct, case.labels.corners_ras_mm):
        raise InputError("The labels do not lie in the CT: choose those that were made from this CT.")


def _meets(ct: Volume, points_ras_mm: np.ndarray) -> bool:
    """Whether the box about the points, along the CT's axes, overlaps the CT."""
    to_index = np.linalg.inv(ct.ijk_to_ras)
    index = points_ras_mm @ to_index[:3, :3].T + to_index[:3, 3]
    last = np.array(ct.voxels.shape[::-1]) - 1
    return bool(np.all(index.max(axis=0) >= 0) and np.all(index.min(axis=0) <= last))
