"""The logics Slicer's modules register at start-up, on one scene, without the modules' Qt part."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from XRayLib.scene.headless_presets import write_presets
from XRayLib.scene.vtk_messages import without_vtk_warnings

LOGIC_CLASSES = {
    # Name of the module in the order in which they must exist: units and colours are used by the rest.
    "Units": "vtkSlicerUnitsLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Data": "vtkSlicerDataModuleLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Reformat": "vtkSlicerReformatLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
    "SceneViews": "vtkSlicerSceneViewsModuleLogic",
}


def create_logics(slicer: Any, application_logic: Any, scene: Any, share: Path | None, scratch: Path) -> dict[str, Any]:
    """Create the logics that this installation has, by module name, observing ``scene``.

    Parameters
    ----------
    share : ``share/Slicer-X.Y`` of a Slicer installation, None for the wheel.
    scratch : folder for the resource files that the wheel lacks.
    """
    logics: dict[str, Any] = {"Colors": application_logic.GetColorLogic()}
    for name, class_name in LOGIC_CLASSES.items():
        logic_class = getattr(slicer, class_name, None)
        if logic_class is None:
            continue
        logic = logic_class()
        folder = _share_folder(name, share, scratch)
        if folder is not None and hasattr(logic, "SetModuleShareDirectory"):
            logic.SetModuleShareDirectory(str(folder))
        logic.SetMRMLApplicationLogic(application_logic)
        # The wheel has no terminology files, which the logic reports as six errors.
        with without_vtk_warnings() if name == "Terminologies" and share is None else nullcontext():
            logic.SetMRMLScene(scene)
        application_logic.SetModuleLogic(name, logic)
        logics[name] = logic
    _connect(logics)
    return logics


def _share_folder(name: str, share: Path | None, scratch: Path) -> Path | None:
    if share is not None:
        return share / "qt-loadable-modules" / name
    folder = scratch / name
    folder.mkdir(exist_ok=True)
    if name == "VolumeRendering":
        write_presets(folder)
    return folder


def _connect(logics: dict[str, Any]) -> None:
    """What the modules' ``setup`` does between logics."""
    rendering = logics.get("VolumeRendering")
    if rendering is not None:
        rendering.ChangeVolumeRenderingMethod("vtkMRMLGPURayCastVolumeRenderingDisplayNode")
