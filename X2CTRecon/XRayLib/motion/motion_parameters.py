"""The numbers that make one breathing state, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]

USUAL_DESCENT_MM = 20.0
"""At which a share's spread counts as a spread in mm."""
LARGEST_DEVIATIONS = 2.0
"""What goes its own way is drawn from a normal distribution cut off here."""


@dataclass(frozen=True, eq=False)
class MotionParameters:
    """One state of a patient, relative to the CT. All zero: as in the CT."""

    descent_mm: float = 0.0
    """How much lower the diaphragm is; negative after breathing out."""
    lung_curve: float = 0.0
    """-1 to 1: whether the lung moves less (negative) or more than in proportion to the distance from its apex."""
    posterior_mm: float = 0.0
    """By how much lower still the diaphragm is at the back than in the middle, and higher in front."""
    ribs_lateral_mm: float = 0.0
    ribs_anterior_mm: float = 0.0
    ribs_superior_mm: float = 0.0
    """The ribs turn outward, forward and up: at the side and front of the chest."""
    belly_mm: float = 0.0
    """The belly comes forward."""
    organ_right_mm: float = 0.0
    organ_anterior_mm: float = 0.0
    organ_superior_mm: float = 0.0
    organ_pitch_deg: float = 0.0
    organ_roll_deg: float = 0.0
    organ_yaw_deg: float = 0.0
    """The organ has moved as a whole on top of that: shifted, and turned about R, A and S through its middle."""
    control_points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0, 0, 3)))
    """Of the random deformation (``Lattice``), (k, j, i, 3); empty for none."""

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and lists."""
        return asdict(self) | {"control_points": np.asarray(self.control_points).tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MotionParameters:
        """From what ``as_dict`` gave."""
        points = np.array(values["control_points"], float)
        return cls(**{**values, "control_points": points if points.ndim == 4 else np.zeros((0, 0, 0, 3))})


@dataclass(frozen=True)
class Coupled:
    """What goes with the diaphragm: so much for each mm of descent, and beside that its own way."""

    share: Interval
    own: float
    """Standard deviation."""

    def drawn(self, descent_mm: float, rng: np.random.Generator) -> float:
        """The share evenly from its interval."""
        own = float(np.clip(rng.normal(), -LARGEST_DEVIATIONS, LARGEST_DEVIATIONS)) * self.own
        return float(rng.uniform(*self.share)) * descent_mm + own

    @property
    def usual_share(self) -> float:
        """The middle of the interval."""
        return sum(self.share) / 2

    @property
    def deviation(self) -> float:
        """About the usual share of a usual descent."""
        return float(np.hypot(self.own, (self.share[1] - self.share[0]) / np.sqrt(12) * USUAL_DESCENT_MM))


@dataclass(frozen=True)
class MotionRange:
    """From where random states are drawn, evenly; the random deformation's size evenly up to a deviation.

    The diaphragm moves 10 to 20 mm in quiet breathing and 40 and more in deep breathing (Keall et al., AAPM Report 91,
    2006, Table I); the liver follows with 1 to 12 mm in front-back and up to 6 mm sideways (ibid.) and turns by some
    degrees, hardly foreseeable from how far it descends.
    """

    descent_mm: Interval = (-40.0, 40.0)
    lung_curve: Interval = (-0.6, 0.4)
    posterior_mm: Coupled = Coupled((-0.05, 0.35), 1.0)
    ribs_lateral_mm: Coupled = Coupled((0.0, 0.15), 1.0)
    ribs_anterior_mm: Coupled = Coupled((0.0, 0.2), 1.0)
    ribs_superior_mm: Coupled = Coupled((0.0, 0.15), 1.0)
    belly_mm: Coupled = Coupled((0.0, 0.4), 2.0)
    organ_right_mm: Coupled = Coupled((-0.1, 0.1), 1.0)
    organ_anterior_mm: Coupled = Coupled((-0.2, 0.2), 1.5)
    organ_superior_mm: Coupled = Coupled((-0.3, 0.3), 2.0)
    organ_pitch_deg: Coupled = Coupled((-0.15, 0.15), 0.5)
    organ_roll_deg: Coupled = Coupled((-0.1, 0.1), 0.5)
    organ_yaw_deg: Coupled = Coupled((-0.1, 0.1), 0.5)
    deformation_mm: Interval = (0.0, 6.0)
    """Standard deviation along each axis of the random deformation near the organ."""

    def of_a_lung(self) -> MotionRange:
        """The same for an organ that hangs in the chest by its top and has no way of its own."""
        still = {name: Coupled((0.0, 0.0), 0.0) for name in self.coupled if name.startswith("organ_")}
        return replace(self, **still)

    @property
    def coupled(self) -> dict[str, Coupled]:
        """What goes with the diaphragm, by the name of its parameter."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Coupled)}

    def scalars(self, rng: np.random.Generator) -> dict[str, float]:
        """A value of every parameter but the control points."""
        descent_mm, lung_curve = float(rng.uniform(*self.descent_mm)), float(rng.uniform(*self.lung_curve))
        rest = {name: coupled.drawn(descent_mm, rng) for name, coupled in self.coupled.items()}
        return {"descent_mm": descent_mm, "lung_curve": lung_curve, **rest}
