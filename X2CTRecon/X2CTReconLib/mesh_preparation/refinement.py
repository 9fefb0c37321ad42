"""The network's answer improved on the radiographs: the start of a deformable registration that keeps the pose.

The registration steers the patient's motion model until the deformed CT looks like the films, from where the network
sees the organ and from other depths of breath; a network that was misled does not decide where it ends. What the films
leave open stays as the motion model expects it, and the error bars are those of the registration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options
from XRayLib.errors import InputError
from XRayLib.registry import method

from X2CTReconLib.mesh_preparation.mesh_model import SeenMesh

REGISTRATION = "deformable"


@dataclass(frozen=True)
class Refined:
    """The organ in CT RAS, and similarities before and after, 1 is perfect."""

    seen: SeenMesh
    quality: dict[str, float]


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
    )
