"""How the wall of the trunk moves with the breath: ribs turn, the belly gives way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.motion.motion_parameters import MotionParameters
from XRayLib.motion.thorax import Thorax

Array = NDArray[np.float64]


class WallMotion:
    """Smooth shapes of displacement on a grid (k, j, i), one for each of its parameters."""

    def __init__(self, thorax: Thorax, points_ras_mm: Array) -> None:
        half_width = max(1.0, float(thorax.high_ras_mm[0] - thorax.low_ras_mm[0]) / 2)
        depth = max(1.0, float(thorax.high_ras_mm[1]) - thorax.spine_a_mm)
        sideways = np.clip((points_ras_mm[..., 0] - thorax.middle_r_mm) / half_width, -1.2, 1.2)
        forward = _ramp((points_ras_mm[..., 1] - thorax.spine_a_mm) / depth)
        s = points_ras_mm[..., 2]
        ribs = _bump(s, thorax.organ_low_s_mm - 40.0, thorax.base_s_mm, thorax.apex_s_mm + 20.0)
        below = thorax.organ_low_s_mm - 160.0
        belly = _bump(s, below, 0.5 * (thorax.organ_low_s_mm + thorax.base_s_mm), thorax.base_s_mm + 80.0)
        self._shapes = {
            "ribs_lateral_mm": (0, sideways * ribs),
            "ribs_anterior_mm": (1, forward * ribs),
            "ribs_superior_mm": (2, forward * ribs),
            "belly_mm": (1, forward * belly),
        }

    def displacement_mm(self, parameters: MotionParameters) -> Array:
        """(k, j, i, 3), from now to the CT: what came forward now lies further back in the CT."""
        shape = self._shapes["belly_mm"][1].shape
        total = np.zeros((*shape, 3))
        for name, (axis, profile) in self._shapes.items():
            total[..., axis] -= getattr(parameters, name) * profile
        return total

    def divergence(self, parameters: MotionParameters, spacing_mm: float) -> Array:
        """Of that displacement, (k, j, i): by how much it takes volume from the CT to now, as a share."""
        total = 0.0
        for name, (axis, profile) in self._shapes.items():
            total = total - getattr(parameters, name) * np.gradient(profile, spacing_mm, axis=2 - axis)
        return np.asarray(total)


def _ramp(x: Array) -> Array:
    """0 below 0, smoothly up to x from there, at most 1.2."""
    x = np.clip(x, 0.0, 1.2)
    return np.where(x < 0.3, x * x / 0.6, x - 0.15)


def _bump(s: Array, low: float, middle: float, high: float) -> Array:
    """1 at ``middle``, falling as a squared cosine to 0 at ``low`` and ``high``."""
    side = np.where(s < middle, (middle - s) / max(middle - low, 1.0), (s - middle) / max(high - middle, 1.0))
    return np.cos(0.5 * np.pi * np.clip(side, 0, 1)) ** 2
