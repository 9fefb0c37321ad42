"""Prepare a patient: train, export, measure. Cheap to import; PyTorch is needed only when it runs."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayLib.ct import Volume
from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.registry import Progress

from XRayRegistrationLib.preparation.patient_folder import KINDS, patient_folder, preparation_state, write_state
from XRayRegistrationLib.preparation.settings import PreparationSettings

if TYPE_CHECKING:
    from XRayRegistrationLib.preparation.training import Training

TRAINED = 0.95
"""Share of the progress when the training is over."""


def prepare_patient(
    ct: Volume,
    what: str,
    settings: PreparationSettings | Mapping[str, Any] | None = None,
    progress: Progress = lambda _fraction, _stage: None,
    resume: bool = True,
) -> Path:
    """Train a network for one patient's CT and return the folder of its finished model bundle.

    Parameters
    ----------
    ct : Volume
        In HU. It alone decides where everything is kept, see ``patient_folder.py``.
    what : "pose-regression" or "scene-coordinates"
    settings : PreparationSettings, or its values by name
    progress : callable
        Gets the share done and the stage; when it raises (cancel) a checkpoint is saved first.
    resume : bool
        Go on from a checkpoint of the same settings (another budget is fine). A finished preparation whose budget is
        spent is returned as it is. False: start over; the former bundle stays in use until the new one is finished.

    Raises
    ------
    InputError
        An unknown kind or setting, a CT without a body.
    MissingDependencyError
        PyTorch or onnx is not installed.
    """
    if what not in KINDS:
        raise InputError(f"'{what}' cannot be prepared: choose one of {', '.join(KINDS)}.")
    if not isinstance(settings, PreparationSettings):
        settings = PreparationSettings.from_mapping(settings or {})
    for package in ("torch", "onnx"):
        _require(package)
    from XRayRegistrationLib.preparation.anatomy import anatomy_of
    from XRayRegistrationLib.preparation.tasks import TASKS
    from XRayRegistrationLib.preparation.training import Training

    folder, settings = patient_folder(ct), settings.completed(TASKS[what].defaults)
    progress(0.0, "Reading the CT")
    anatomy = anatomy_of(ct, settings.input_px, settings.device)
    training = Training(TASKS[what](anatomy, settings), folder, resume=resume)
    if resume and training.budget_spent and (done := preparation_state(ct)[what])["finished"] and done["bundle"]:
        return Path(done["bundle"])
    training.run(lambda fraction, stage: progress(TRAINED * fraction, stage))
    return _finish(ct, what, training, folder, progress)


def _finish(ct: Volume, what: str, training: Training, folder: Path, progress: Progress) -> Path:
    """Export, measure on fresh films, and put the bundle in place of an older one in one step."""
    from XRayRegistrationLib.preparation.bundle_export import write_bundle
    from XRayRegistrationLib.preparation.validation import validate

    unfinished = folder / ".unfinished" / what
    shutil.rmtree(unfinished, ignore_errors=True)
    progress(TRAINED, "Exporting the network")
    write_bundle(unfinished, training, {})
    measured = validate(
        ct,
        what,
        unfinished,
        training.settings,
        lambda share: progress(TRAINED + (1 - TRAINED) * share, "Measuring the error on fresh films"),
    )
    write_bundle(unfinished, training, measured)
    final, former = folder / what, folder / f".former-{what}"
    shutil.rmtree(former, ignore_errors=True)
    if final.exists():
        final.replace(former)
    unfinished.replace(final)
    shutil.rmtree(former, ignore_errors=True)
    training.save()
    state = preparation_state(ct)[what]
    write_state(folder, what, {**state, "finished": True, "validation": measured})
    progress(1.0, "Prepared")
    return final


def _require(package: str) -> None:
    try:
        importlib.import_module(package)
    except ImportError:
        raise MissingDependencyError(
            f"Preparing a patient needs the Python package '{package}': install it (in Slicer: the PyTorch extension "
            "for torch, 'pip_install(\"onnx\")' in the Python console for onnx)."
        ) from None
