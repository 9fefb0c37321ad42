"""What could move on films of a patient: the whole of it, bones against each other, soft tissue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume

from XRayRegistrationLib.deformable.body_motion import BodyMotion, body_motion
from XRayRegistrationLib.deformable.bones import BonePieces

if TYPE_CHECKING:
    from XRayLib.motion import SteeredMotion

Matrix = NDArray[np.float64]


def possible_motions(
    ct: Volume, pose: Matrix, pivot_ras_mm: Matrix, bones: BonePieces | None, soft: SteeredMotion | None
) -> Iterator[tuple[str, BodyMotion]]:
    """Motions from stiff to free, by name, about a 4x4 ct_to_world, as far as bones and soft tissue are known."""
    motion, also = body_motion(ct, pose, pivot_ras_mm), ""
    yield "rigid", motion
    if bones is not None and len(bones) > 1:
        motion, also = body_motion(ct, pose, pivot_ras_mm, bones), "bones and "
        yield "bones", motion
    if soft is not None:
        yield f"{also}breathing", replace(motion, soft=soft.of_breathing())
        yield f"{also}soft tissue", replace(motion, soft=soft)
