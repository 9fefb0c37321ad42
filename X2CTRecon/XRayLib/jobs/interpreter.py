"""Which Python runs the worker, and in which environment."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from XRayLib.errors import MissingDependencyError
from XRayLib.jobs.settings import WorkerSettings

_THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMBA_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"),
)


def find_python(settings: WorkerSettings) -> Path:
    """The interpreter: the settings', PythonSlicer inside Slicer, else the one that runs this.

    Inside the Slicer application ``sys.executable`` is the application or a bare ``python-real``; only PythonSlicer
    sets up the libraries.

    Raises
    ------
    MissingDependencyError
        When this runs inside an application and no PythonSlicer is found.
    """
    if settings.python is not None:
        return settings.python
    running = Path(sys.executable) if sys.executable else None
    if running and running.stem.lower().startswith("python") and running.stem.lower() != "python-real":
        return running
    if slicer := _find_python_slicer(running):
        return slicer
    if running and running.stem.lower() == "python-real":
        return running
    raise MissingDependencyError("PythonSlicer was not found beside the application: reinstall 3D Slicer.")


def _find_python_slicer(running: Path | None) -> Path | None:
    name = "PythonSlicer.exe" if sys.platform == "win32" else "PythonSlicer"
    if on_path := shutil.which("PythonSlicer"):
        return Path(on_path)
    folders = [running.parent, running.parent.parent / "bin"] if running else []
    if home := os.environ.get("SLICER_HOME"):
        folders.append(Path(home) / "bin")
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def worker_environment(settings: WorkerSettings) -> dict[str, str]:
    """This process's environment, with our packages importable, UTF-8 everywhere and the wanted number of threads."""
    environment = dict(os.environ)
    inherited = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join([*package_folders(), *([inherited] if inherited else [])])
    environment["PYTHONUTF8"] = "1"
    environment["PYTHONSAFEPATH"] = "1"
    environment["PYTHONUNBUFFERED"] = "1"
    if settings.threads is not None:
        environment.update(dict.fromkeys(_THREAD_VARIABLES, str(settings.threads)))
    environment.update(settings.environment)
    return environment


def package_folders() -> list[str]:
    """The folders that hold XRayLib and the packages of methods, without importing the latter."""
    from XRayLib.registry import method_packages

    folders: dict[str, None] = {}
    for package in ("XRayLib", *method_packages()):
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            folders[str(Path(location).resolve().parent)] = None
    return list(folders)
