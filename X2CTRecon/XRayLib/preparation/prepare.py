"""Train a network, export it, measure it, put it in place. Cheap to import; PyTorch is needed only when it runs."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayLib.errors import MissingDependencyError
from XRayLib.preparation.patient_folder import preparation_state, write_state
from XRayLib.registry import Progress, part_of

if TYPE_CHECKING:
    from XRayLib.preparation.task import Task
    from XRayLib.preparation.training import Training

TRAINED = 0.95
"""Share of the progress when the training is over."""
Validation = Callable[[Path, Callable[[float], None]], dict[str, Any]]
"""Measures the network in a bundle's folder on fresh films, tells the share done; its JSON values."""


def require_training_packages() -> None:
    """MissingDependencyError, in a sentence that says what to install, when PyTorch or onnx is not there."""
    for package in ("torch", "onnx"):
        try:
            importlib.import_module(package)
        except ImportError:
            raise MissingDependencyError(
                f"Preparing a patient needs the Python package '{package}': install it (in Slicer: the PyTorch "
                "extension for torch, 'pip_install(\"onnx\")' in the Python console for onnx)."
            ) from None


def prepare_network(task: Task, folder: Path, validation: Validation, progress: Progress, resume: bool = True) -> Path:
    """Train the task's network and return the folder of its finished model bundle, inside ``folder``.

    Parameters
    ----------
    task : Task
    folder : Path
        The patient's, see ``patient_folder.py``.
    validation : callable
        Measures the exported network; its values go into the bundle and the state.
    progress : callable
        Gets the share done and the stage; when it raises (cancel) a checkpoint is saved first.
    resume : bool
        Go on from a checkpoint of the same settings (another budget is fine). A finished preparation whose budget is
        spent is returned as it is. False: start over; the former bundle stays in use until the new one is finished.
    """
    from XRayLib.preparation.training import Training

    training = Training(task, folder, resume=resume)
    done = preparation_state(folder, task.what)
    if resume and training.budget_spent and done["finished"] and done["bundle"]:
        return Path(done["bundle"])
    training.run(part_of(progress, 0.0, TRAINED))
    return _finish(training, folder, validation, progress)


def _finish(training: Training, folder: Path, validation: Validation, progress: Progress) -> Path:
    """Export, measure on fresh films, and put the bundle in place of an older one in one step."""
    from XRayLib.preparation.bundle_export import write_bundle

    what = training.task.what
    unfinished = folder / ".unfinished" / what
    shutil.rmtree(unfinished, ignore_errors=True)
    progress(TRAINED, "Exporting the network")
    write_bundle(unfinished, training, {})
    measured = validation(
        unfinished,
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
    state = preparation_state(folder, what)
    write_state(folder, what, {**state, "finished": True, "validation": measured})
    progress(1.0, "Prepared")
    return final
