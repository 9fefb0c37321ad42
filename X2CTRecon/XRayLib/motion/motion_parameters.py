"""The numbers that make one breathing state, and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class MotionParameters:
    """One state of a patient. All zero: as in the CT. Shares are in mm for each mm that the diaphragm descends."""

    descent_mm: float = 0.0
    """How much lower the diaphragm is than in the CT; negative after breathing out."""
    posterior_share: float = 0.0
    """By how much more the diaphragm moves at the back than in the middle, and less in front."""
    lung_curve: float = 0.0
    """-1 to 1: whether the lung moves less (negative) or more than in proportion to the distance from its apex."""
    ribs_lateral_share: float = 0.0
    ribs_anterior_share: float = 0.0
    ribs_superior_share: float = 0.0
    """The ribs turn outward, forward and up as the diaphragm descends: at the side and front of the chest."""
    belly_share: float = 0.0
    """The belly comes forward."""
    lateral_share: float = 0.0
    anterior_share: float = 0.0
    """The organs beneath the diaphragm shift to the right (R) and to the front on top of that."""
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
class MotionRange:
    """From where random states are drawn, evenly; the random deformation's size evenly up to a deviation.

    The diaphragm moves 10 to 20 mm in quiet breathing and 40 and more in deep breathing (Keall et al., AAPM Report 91,
    2006, Table I); the liver follows with 1 to 12 mm in front-back and up to 6 mm sideways (ibid.).
    """

    descent_mm: Interval = (-40.0, 40.0)
    posterior_share: Interval = (-0.05, 0.35)
    lung_curve: Interval = (-0.6, 0.4)
    ribs_lateral_share: Interval = (0.0, 0.15)
    ribs_anterior_share: Interval = (0.0, 0.2)
    ribs_superior_share: Interval = (0.0, 0.15)
    belly_share: Interval = (0.0, 0.4)
    lateral_share: Interval = (-0.1, 0.1)
    anterior_share: Interval = (-0.1, 0.25)
    deformation_mm: Interval = (0.0, 6.0)
    """Standard deviation along each axis of the random deformation near the organ."""

    def scalars(self, rng: np.random.Generator) -> dict[str, float]:
        """One value from each interval but the last."""
        names = [name for name in self.__dataclass_fields__ if name != "deformation_mm"]
        return {name: float(rng.uniform(*getattr(self, name))) for name in names}
