"""Prepare a patient for registration. Cheap to import; PyTorch is needed only when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.preparation.patient_folder import patient_folder
from XRayLib.preparation.patient_folder import preparation_state as state_in
from XRayLib.preparation.prepare import prepare_network, require_training_packages
from XRayLib.registry import Progress

from XRayRegistrationLib.preparation.settings import PosePreparationSettings

KINDS = ("pose-regression", "scene-coordinates")
"""What can be prepared: the ids of the methods."""


def prepare_patient(
    ct: Volume,
    what: str,
    settings: PosePreparationSettings | Mapping[str, Any] | None = None,
    progress: Progress = lambda _fraction, _stage: None,
    resume: bool = True,
) -> Path:
    """Train a network for one patient's CT and return the folder of its finished model bundle.

    Parameters
    ----------
    ct : Volume
        In HU. It alone decides where everything is kept, see ``XRayLib/preparation/patient_folder.py``.
    what : "pose-regression" or "scene-coordinates"
    settings : PosePreparationSettings, or its values by name
    progress, resume :
        See :func:`XRayLib.preparation.prepare.prepare_network`.

    Raises
    ------
    InputError
        An unknown kind or setting, a CT without a body.
    MissingDependencyError
        PyTorch or onnx is not installed.
    """
    if what not in KINDS:
        raise InputError(f"'{what}' cannot be prepared: choose one of {', '.join(KINDS)}.")
    settings = PosePreparationSettings.of(settings)
    require_training_packages()
    from XRayLib.preparation.anatomy import anatomy_of

    from XRayRegistrationLib.preparation.tasks import TASKS
    from XRayRegistrationLib.preparation.validation import validate

    settings = settings.completed(TASKS[what].defaults)
    progress(0.0, "Reading the CT")
    task = TASKS[what](anatomy_of(ct, settings.input_px, settings.device), settings)

    def measured(bundle: Path, share_done: Any) -> dict[str, Any]:
        return validate(ct, what, bundle, settings, share_done)

    return prepare_network(task, patient_folder(ct), measured, progress, resume)


def preparation_state(ct: Volume) -> dict[str, dict[str, Any]]:
    """For each kind what exists for this CT, see :func:`XRayLib.preparation.patient_folder.preparation_state`."""
    folder = patient_folder(ct)
    return {what: state_in(folder, what) for what in KINDS}
