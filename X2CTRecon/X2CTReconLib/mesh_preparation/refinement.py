"""The network's answer improved on the radiographs: the start of a deformable registration that keeps the pose.

The registration steers the patient's motion model until the deformed CT looks like the films, from where the network
sees the organ and from other depths of breath; a network that was misled does not decide where it ends. What the films
leave open stays as the motion model expects it, and the error bars are those of the registration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, PoseQuality
from XRayLib.errors import InputError
from XRayLib.registry import method

from X2CTReconLib.mesh_preparation.mesh_model import SeenMesh

REGISTRATION = "deformable"


@dataclass(frozen=True)
class Refined:
    """The organ in CT RAS, similarities before and after, 1 is perfect, and what the registration doubts.

    A method without a refinement has an organ alone.
    """

    seen: SeenMesh
    quality: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def refine(
    case: Case, ct_to_world: NDArray[np.float64], options: Options, progress: Callable[[float, str], None]
) -> Refined:
    """The case's organ on its films, by a deformable registration; the network prepared for it is asked for a start.

    Raises
    ------
    InputError
        When the case has no mesh.
    RefusedError
        When the CT does not meet the films.
    """
    if case.mesh is None:
        raise InputError("Choose the organ's surface in the CT.")
    placed = replace(case, initial_ct_to_world=ct_to_world)
    kept = replace(options, bundle="", extra={"initialisation": "given", "refine": False})
    found = method(REGISTRATION).run(placed, kept, progress)
    now = (found.mesh.points - ct_to_world[:3, 3]) @ ct_to_world[:3, :3]
    variance = np.asarray(found.mesh.scalars["deviation_mm"]) ** 2 / 3
    numbers = found.quality
    before = numbers.get("similarity_seen", numbers["similarity_rigid"])
    return Refined(
        SeenMesh(now - case.mesh.points, variance[:, None, None] * np.eye(3)),
        {"similarity_before": before, "similarity": numbers["similarity"]},
        (*_refusal(found.pose_quality), *found.warnings),
    )


def _refusal(quality: PoseQuality) -> tuple[str, ...]:
    """The registration's verdict where it does not stand by its result."""
    if quality.accepted:
        return ()
    return (f"The match with the X-rays did not pass the quality check, the organ may be far off: {quality.reason}",)
