"""Prepare a patient for the displacement network. Cheap to import; PyTorch is needed only when it runs."""

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

from XRayRegistrationLib.deformable.soft_tissue import breathing_organ

WHAT = "displacement-field"
MODES_SEED = 7


def prepare_displacement(
    ct: Volume,
    settings: MotionPreparationSettings | Mapping[str, Any] | None = None,
    progress: Progress = lambda _fraction, _stage: None,
    *,
    mesh: SurfaceMesh | None = None,
    resume: bool = True,
) -> Path:
    """Train the network for one patient's CT and return the folder of its finished model bundle.

    Parameters
    ----------
    ct : Volume
        In HU.
    settings : MotionPreparationSettings, or its values by name
    mesh : SurfaceMesh, optional
        The organ that breathes, in CT RAS; by default what lies beneath the lungs.
    progress, resume :
        See :func:`XRayLib.preparation.prepare.prepare_network`.

    Raises
    ------
    InputError
        An unknown setting, a CT without a body, no organ given and no lungs in the CT.
    MissingDependencyError
        PyTorch or onnx is not installed.
    """
    settings = MotionPreparationSettings.of(settings)
    require_training_packages()
    from XRayLib.ct import remove_table
    from XRayLib.motion import MotionModel
    from XRayLib.preparation.motion_films import organ_window

    from XRayRegistrationLib.displacement.task import DisplacementTask
    from XRayRegistrationLib.displacement.validation import validate

    settings = settings.completed(DisplacementTask.defaults)
    progress(0.0, "Reading the CT")
    organ = mesh or breathing_organ(ct)
    if organ is None:
        raise InputError("The CT shows no lungs: give the surface of the organ that breathes.")
    motion = MotionModel(remove_table(ct), organ)
    progress(0.0, "Finding how the organ moves")
    modes = motion.modes(settings.modes, np.random.default_rng([settings.seed, MODES_SEED]), states=settings.states)
    task = DisplacementTask(motion, organ_window(organ.points), modes, settings)

    def measured(bundle: Path, share_done: Callable[[float], None]) -> dict[str, Any]:
        return validate(motion, bundle, settings, share_done)

    return prepare_network(task, patient_folder(ct, mesh), measured, progress, resume)
