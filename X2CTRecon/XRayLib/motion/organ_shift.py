"""The organ moved as a whole, beside what the diaphragm does to it; what lies around goes with it less and less."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.motion.motion_parameters import MotionParameters
from XRayLib.projector.rigid import motion_from_twist

Array = NDArray[np.float64]

REACH_MM = 45.0
"""Distance from the organ at which a little more than a third of its motion is left."""


class OrganShift:
    """Smooth displacement on a grid (k, j, i), for the organ's own shift and turn.

    Parameters
    ----------
    distance_mm : (k, j, i) from the organ, where it is in the CT; 0 inside.
    points_ras_mm : (k, j, i, 3) the grid, along R, A, S.
    middle_ras_mm : (3,) of the organ.
    """

    def __init__(self, distance_mm: Array, points_ras_mm: Array, middle_ras_mm: Array) -> None:
        self._distance_mm, self._points = distance_mm, points_ras_mm
        self._middle = middle_ras_mm
        self._step_mm = float(points_ras_mm[1, 0, 0, 2] - points_ras_mm[0, 0, 0, 2])

    def displacement_mm(self, parameters: MotionParameters) -> Array:
        """(k, j, i, 3), to where things were before the organ's own motion, when only the diaphragm had moved."""
        turn_deg = (parameters.organ_pitch_deg, parameters.organ_roll_deg, parameters.organ_yaw_deg)
        shift_mm = (parameters.organ_right_mm, parameters.organ_anterior_mm, parameters.organ_superior_mm)
        if not any((*turn_deg, *shift_mm)):
            return np.zeros_like(self._points)
        middle = self._middle - (0, 0, parameters.descent_mm)
        back = np.linalg.inv(motion_from_twist(np.array([*np.deg2rad(turn_deg), *shift_mm]), middle))
        weight = np.exp(-((self._lowered(parameters.descent_mm) / REACH_MM) ** 2))
        return weight[..., None] * (self._points @ back[:3, :3].T + back[:3, 3] - self._points)

    def _lowered(self, descent_mm: float) -> Array:
        """Distance from the organ lowered by the descent."""
        last = len(self._distance_mm) - 1
        at = np.clip(np.arange(last + 1) + descent_mm / self._step_mm, 0, last)
        low = np.minimum(at.astype(int), last - 1)
        share = (at - low)[:, None, None]
        return (1 - share) * self._distance_mm[low] + share * self._distance_mm[low + 1]
