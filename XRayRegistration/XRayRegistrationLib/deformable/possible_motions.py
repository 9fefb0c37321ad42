"""What could move on films of a patient: the whole of it, bones against each other, soft tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume

from XRayRegistrationLib.deformable.body_motion import BodyMotion, body_motion
from XRayRegistrationLib.deformable.bones import BonePieces

if TYPE_CHECKING:
    from XRayLib.motion import SteeredMotion

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class PossibleMotions:
    """A CT's bones and how its soft tissue breathes, as far as they are known; poses turn about the pivot."""

    ct: Volume
    pivot_ras_mm: Matrix
    bones: BonePieces | None
    soft: SteeredMotion | None

    def about(self, pose: Matrix, pose_deviation: tuple[float, ...]) -> list[tuple[str, BodyMotion]]:
        """Motions from stiff to free, by name, about a 4x4 ct_to_world."""
        bones = self.bones if self.bones is not None and len(self.bones) > 1 else None

        def motion(bones: BonePieces | None = None, soft: SteeredMotion | None = None) -> BodyMotion:
            return body_motion(self.ct, pose, self.pivot_ras_mm, bones, soft, pose_deviation)

        motions = [("rigid", motion())]
        if bones is not None:
            motions.append(("bones", motion(bones)))
        if self.soft is not None:
            also = "" if bones is None else "bones and "
            motions.append((f"{also}breathing", motion(bones, self.soft.of_breathing())))
            motions.append((f"{also}soft tissue", motion(bones, self.soft)))
        return motions
