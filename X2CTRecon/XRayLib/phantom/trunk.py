"""The trunk's surfaces: skin, rib cage and diaphragm, as signed distances on the canvas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.phantom.body_plan import LANDMARK_HEIGHTS, BodyPlan

Array = NDArray[np.float32]

# Half width, back and front (A) of axial sections at LANDMARK_HEIGHTS, after cross-sections of adult anatomy atlases.
SKIN_HALF_WIDTH = (152, 152, 155, 160, 162, 166, 172, 160, 112, 66, 60)
SKIN_BACK = (-114, -114, -116, -118, -121, -120, -116, -104, -86, -70, -66)
SKIN_FRONT = (112, 114, 116, 114, 107, 92, 78, 58, 40, 36, 40)
CAGE_HALF_WIDTH = (126, 128, 136, 138, 135, 126, 111, 82, 40, 30, 30)
CAGE_BACK = (-80, -84, -92, -98, -101, -98, -88, -69, -44, -40, -40)
CAGE_FRONT = (88, 90, 95, 95, 87, 68, 51, 28, 4, 0, 0)

SKIN_EXPONENT = 2.35
CAGE_EXPONENT = 2.25
TABLE_STEPS = 2048


class Trunk:
    """Cross-sections of one individual's trunk."""

    def __init__(self, plan: BodyPlan) -> None:
        self.plan = plan
        self._heights = LANDMARK_HEIGHTS * plan.height

    def skin_distance(self, r: Array, a: Array, s: Array, inset_mm: float = 0.0) -> Array:
        """Signed distance to the skin, or to the surface ``inset_mm`` beneath it."""
        plan = self.plan
        extra = 0.8 * (plan.fat_mm - 14.0) + 6.0 * (plan.muscle - 1.0)
        half_width = self._table(SKIN_HALF_WIDTH, s) * plan.width + extra
        back = self._table(SKIN_BACK, s) * plan.depth - extra
        front = self._table(SKIN_FRONT, s) * plan.depth + extra * 1.2
        return _section_distance(r, a, half_width, back, front, SKIN_EXPONENT) + np.float32(inset_mm)

    def cage_distance(self, r: Array, a: Array, s: Array, inset_mm: float = 0.0) -> Array:
        """Signed distance to the middle of the ribs, or to the surface ``inset_mm`` within."""
        half_width, back, front = self.cage_section(s)
        return _section_distance(r, a, half_width, back, front, CAGE_EXPONENT) + np.float32(inset_mm)

    def cage_section(self, s: Array | float) -> tuple[Array, Array, Array]:
        """(half width, back A, front A) of the rib cage at height ``s``."""
        plan = self.plan
        return (
            self._table(CAGE_HALF_WIDTH, s) * plan.width,
            self._table(CAGE_BACK, s) * plan.depth,
            self._table(CAGE_FRONT, s) * plan.depth,
        )

    def cage_point(self, azimuth_rad: NDArray[np.float64], s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (N, 3) on the cage; azimuth 0 is the back, pi/2 the patient's right, pi the front."""
        half_width, back, front = (np.asarray(x, float) for x in self.cage_section(s))
        sin, cos = np.sin(azimuth_rad), np.cos(azimuth_rad)
        power = 2 / CAGE_EXPONENT
        r = half_width * np.sign(sin) * np.abs(sin) ** power
        a = (front + back) / 2 - (front - back) / 2 * np.sign(cos) * np.abs(cos) ** power
        return np.stack([r, a, np.broadcast_to(s, r.shape)], axis=-1)

    def above_diaphragm_mm(self, r: Array, a: Array, s: Array) -> Array:
        """Height above the diaphragm: two domes, falling to the sides and steeply to the back."""
        plan = self.plan
        heights = []
        for side, top in ((1.0, plan.right_dome_mm), (-1.0, plan.left_dome_mm)):
            center = 66.0 * plan.width * side
            outward = np.maximum((r - np.float32(center)) * np.float32(side), 0) / np.float32(64.0 * plan.width)
            inward = np.minimum((r - np.float32(center)) * np.float32(side), 0) / np.float32(66.0 * plan.width)
            behind = np.minimum(a - np.float32(8.0 * plan.depth), 0) / np.float32(88.0 * plan.depth)
            before = np.maximum(a - np.float32(8.0 * plan.depth), 0) / np.float32(78.0 * plan.depth)
            drop = 58 * outward**2.3 + 20 * inward**2 + 72 * np.abs(behind) ** 2.4 + 30 * before**2
            heights.append((np.float32(top) - drop) * np.float32(plan.height))
        smooth = 1 / (1 + np.exp(-np.clip(r / np.float32(9.0), -30, 30)))
        return s - (heights[0] * smooth + heights[1] * (1 - smooth))

    def below_apex_mm(self, r: Array, a: Array, s: Array) -> Array:
        """Depth below the pleural cupolas, which close the chest above the first ribs."""
        plan = self.plan
        across = (np.abs(r) - np.float32(40 * plan.width)) / np.float32(38 * plan.width)
        along = (a + np.float32(22 * plan.depth)) / np.float32(40 * plan.depth)
        return np.float32(150 * plan.height) - np.float32(26) * across**2 - np.float32(14) * along**2 - s

    def _table(self, values: tuple[int, ...], s: Array | float) -> Array:
        """Smooth interpolation of a table of LANDMARK_HEIGHTS at heights ``s``, constant beyond its ends."""
        from scipy.interpolate import PchipInterpolator

        fine = np.linspace(self._heights[0], self._heights[-1], TABLE_STEPS)
        table = PchipInterpolator(self._heights, values)(fine).astype(np.float32)
        steps = (np.asarray(s, np.float32) - np.float32(fine[0])) * np.float32((TABLE_STEPS - 1) / np.ptp(fine))
        return table[np.clip(np.rint(steps), 0, TABLE_STEPS - 1).astype(np.int16)]


def _section_distance(r: Array, a: Array, half_width: Array, back: Array, front: Array, exponent: float) -> Array:
    """Distance along the ray from the section's middle to a superellipse."""
    middle = (front + back) / 2
    across, along = r / half_width, (a - middle) / ((front - back) / 2)
    level = (np.abs(across) ** exponent + np.abs(along) ** exponent) ** np.float32(1 / exponent)
    radius = np.sqrt(r * r + (a - middle) ** 2)
    return radius * (1 - 1 / np.maximum(level, 1e-3))
