"""Prepare a mesh method for one organ of one CT. Cheap to import; PyTorch is needed only when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.preparation.patient_folder import patient_folder
from XRayLib.preparation.prepare import prepare_network, require_training_packages
from XRayLib.registry import Progress

FEWEST_VERTICES, MOST_VERTICES = 20, 6000
MODES_SEED = 7


def prepare_mesh(
    ct: Volume,
    mesh: SurfaceMesh,
    what: str,
    settings: MotionPreparationSettings | Mapping[str, Any] | None = None,
    progress: Progress = lambda _fraction, _stage: None,
    resume: bool = True,
) -> Path:
    """Train a network for one organ and return the folder of its finished model bundle.

    Parameters
    ----------
    ct : Volume
        In HU.
    mesh : SurfaceMesh
        The organ in CT RAS, closed, with about 500 to 3000 even triangles' corners.
    what : id of a mesh method
    settings : MotionPreparationSettings, or its values by name
    progress, resume :
        See :func:`XRayLib.preparation.prepare.prepare_network`.

    Raises
    ------
    InputError
        An unknown setting, a CT without a body, a mesh that is open, off the CT, or far too fine.
    MissingDependencyError
        PyTorch or onnx is not installed.
    """
    settings = MotionPreparationSettings.of(settings)
    if not FEWEST_VERTICES <= len(mesh.points) <= MOST_VERTICES:
        raise InputError(
            f"The organ's surface has {len(mesh.points)} vertices: give one of {FEWEST_VERTICES} to {MOST_VERTICES}, "
            "or its segmentation, which is meshed evenly."
        )
    require_training_packages()
    from XRayLib.ct import remove_table
    from XRayLib.motion import MotionModel
    from XRayLib.preparation.motion_films import organ_window

    from X2CTReconLib.mesh_preparation.tasks import TASKS
    from X2CTReconLib.mesh_preparation.validation import validate

    settings = settings.completed(TASKS[what].defaults)
    progress(0.0, "Reading the CT")
    motion = MotionModel(remove_table(ct), mesh)
    progress(0.0, "Finding how the organ moves")
    modes = motion.modes(settings.modes, np.random.default_rng([settings.seed, MODES_SEED]), states=settings.states)
    task = TASKS[what](motion, organ_window(mesh.points), modes, settings)

    def measured(bundle: Path, share_done: Callable[[float], None]) -> dict[str, Any]:
        return validate(motion, bundle, settings, share_done)

    return prepare_network(task, patient_folder(ct, mesh), measured, progress, resume)
