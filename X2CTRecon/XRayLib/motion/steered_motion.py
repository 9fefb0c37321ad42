"""The breathing states of one patient as a function of a few independent numbers, as a registration steers them.

The parameters of the motion model themselves, not principal components of their states: a large descent bends through
the space of fields, and linear modes of it either cut corners or tie together what goes its own way. Each number is in
standard deviations of what is expected (``MotionRange``); all zero is the CT.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.motion.displacement_field import DisplacementField
from XRayLib.motion.motion_parameters import MotionParameters

if TYPE_CHECKING:
    from XRayLib.motion.motion_model import MotionModel

Array = NDArray[np.float64]

SLOW_MODES = 500
"""Numbers of slow deformation, beside those of breathing."""
ORGAN_APART = 4.0
"""How far the organ goes along S beside what is around it, in deviations of the states that networks are trained on:
lungs and bowel follow a diaphragm much more or less than any model expects, and must not hold the organ back. About one
of a hundred states so far apart folds, which no match accepts; none does within the deviations that are expected."""
POINTS = 300
STEP = 0.05
"""Deviations per finite difference."""
FIT_STEPS = 4
SLIDING = ("descent_mm", "lung_curve", "posterior_mm")
"""What slides along the wall; the rest of the motion is smooth."""


class SteeredMotion:
    """``model``'s states by ``count`` numbers; ``names`` tell what each does.

    The first are those of breathing, the last ``slow_modes`` those of slow deformation.
    """

    def __init__(self, model: MotionModel, slow_modes: int = SLOW_MODES) -> None:
        self.model = model
        self.slow = model.slow_deformation(slow_modes)
        self._breathing = ("descent_mm", "lung_curve", *model.ranges.coupled)
        self.names = (*self._breathing, *(f"slow {n}" for n in range(len(self.slow.modes_mm))))
        self._grid = model.smooth_field(MotionParameters()).ijk_to_ras

    def of_breathing(self) -> SteeredMotion:
        """The same without slow deformation: its numbers are the first of these."""
        return SteeredMotion(self.model, slow_modes=0)

    @property
    def count(self) -> int:
        """How many numbers."""
        return len(self.names)

    def deviation(self, name: str) -> float:
        """Of what goes with the diaphragm, about how it usually does: mm or degrees for a number of 1."""
        return self.model.ranges.coupled[name].deviation * (ORGAN_APART if name == "organ_superior_mm" else 1.0)

    def parameters(self, values: Array) -> MotionParameters:
        """Of breathing: what goes with the diaphragm does so by its usual share, and beside that by its own number."""
        ranges = self.model.ranges
        descent_mm = values[0] * self.descent_deviation_mm
        curve = values[1] * (ranges.lung_curve[1] - ranges.lung_curve[0]) / np.sqrt(12)
        own = dict(zip(ranges.coupled, values[2:], strict=False))
        rest = {n: c.usual_share * descent_mm + own[n] * self.deviation(n) for n, c in ranges.coupled.items()}
        return MotionParameters(descent_mm=descent_mm, lung_curve=curve, **rest)

    @cached_property
    def descent_deviation_mm(self) -> float:
        """Of the diaphragm."""
        low, high = self.model.ranges.descent_mm
        return float((high - low) / np.sqrt(12))

    def field(self, values: Array) -> DisplacementField:
        """From now to the CT, on the model's grid."""
        slow_mm = self.slow.displacement_mm(values[len(self._breathing) :])
        return self.model.field(self.parameters(values), slow_mm)

    def derivatives(self, values: Array) -> list[DisplacementField]:
        """Change of the field with each number, by differences; that of smooth parts on a coarser grid.

        What slides bends the smooth part a little on its way, which is left out.
        """
        whole, smooth = self.field(values), self.model.smooth_field(self.parameters(values))
        found = []
        for name, step in zip(self._breathing, STEP * np.eye(self.count), strict=False):
            if name in SLIDING:
                here, there = whole, self.field(values + step)
            else:
                here, there = smooth, self.model.smooth_field(self.parameters(values + step))
            found.append(DisplacementField((there.vectors_mm - here.vectors_mm) / np.float32(STEP), here.ijk_to_ras))
        return [*found, *self._slow_derivatives]

    @cached_property
    def _slow_derivatives(self) -> list[DisplacementField]:
        return [DisplacementField(mode, self._grid) for mode in self.slow.modes_mm]

    @property
    def left_out_mm(self) -> DisplacementField:
        """Deviation along each axis of slow deformation that the numbers do not reach."""
        by_axis = self.slow.left_out_mm[..., None] / np.sqrt(3)
        return DisplacementField(np.repeat(by_axis, 3, axis=-1), self._grid)

    def values_of(self, displacement_mm: Array, deviation_mm: float = 2.0) -> Array:
        """The numbers (count,) that best explain where the organ's vertices (vertices, 3) have moved from the CT.

        Gauss-Newton on the squared distances over ``deviation_mm`` squared, averaged over POINTS independent
        vertices, and the expected spread of the numbers.
        """
        points = np.asarray(self.model.organ.points)
        chosen = slice(None, None, max(1, len(points) // POINTS))
        start, wanted = points[chosen], np.asarray(displacement_mm, float)[chosen]
        values = np.zeros(self.count)
        values[0] = np.clip(-np.mean(displacement_mm, axis=0)[2] / self.descent_deviation_mm, -2, 2)
        for _ in range(FIT_STEPS):
            now = self.field(values).moved(start)
            # A displacement leads from now to the CT: what it gains, the organ loses.
            slope = np.stack([-field.at(now, extend=True).ravel() for field in self.derivatives(values)], axis=1)
            normal = slope.T @ slope / deviation_mm**2 + np.eye(self.count)
            missing = (wanted - (now - start)).ravel()
            values = values + np.linalg.solve(normal, slope.T @ missing / deviation_mm**2 - values)
        return values
