"""Slicer's MRML classes in the ``slicer`` namespace without the application.

Two installations provide them: the wheel ``slicer-core``, whose ``import slicer`` already does, and Slicer's own
``PythonSlicer``, which leaves out the classes of the loadable modules (volume rendering, markups, ...).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from XRayLib.errors import MissingDependencyError

LOADABLE_PATTERNS = (
    "vtkSlicer*ModuleLogicPython.*",
    "vtkSlicer*ModuleMRMLPython.*",
    "vtkSlicer*ModuleMRMLDisplayableManagerPython.*",
)


def load_slicer() -> Any:
    """The ``slicer`` package with MRML, logic and displayable-manager classes of core and loadable modules.

    Raises MissingDependencyError when neither the wheel nor a Slicer installation is there.
    """
    try:
        import slicer
    except ImportError as error:
        raise MissingDependencyError(
            "Slicer's libraries are missing: install the package 'slicer-core' (pip install 'xray3d[slicer]') "
            "or run this with Slicer's own PythonSlicer."
        ) from error
    if not hasattr(slicer, "vtkMRMLScene"):
        raise MissingDependencyError("A package named 'slicer' shadows 3D Slicer's: uninstall it and try again.")
    if not hasattr(slicer, "vtkSlicerVolumeRenderingLogic"):
        _import_loadable_modules(slicer)
    return slicer


def _import_loadable_modules(slicer: Any) -> None:
    from slicer.util import importVTKClassesFromDirectory

    for folder in loadable_module_folders():
        for pattern in LOADABLE_PATTERNS:
            importVTKClassesFromDirectory(str(folder), slicer.__name__, filematch=pattern)


def loadable_module_folders() -> list[Path]:
    """Folders on ``sys.path`` that hold compiled classes of Slicer's loadable modules."""
    folders = [Path(entry) for entry in sys.path if "qt-loadable-modules" in entry]
    return [folder for folder in folders if any(folder.glob(LOADABLE_PATTERNS[0]))]


def slicer_share_folder() -> Path | None:
    """``share/Slicer-X.Y`` of the Slicer installation this interpreter belongs to; None for the wheel."""
    for folder in loadable_module_folders():
        version = folder.parent if folder.name == "qt-loadable-modules" else folder.parent.parent
        share = version.parent.parent / "share" / version.name
        if share.is_dir():
            return share
    return None
