"""The pose sliders and the transform node: whichever changes, the other follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk
from XRayLib.scene.matrices import array_of, vtk_matrix

from XRayRegistrationLib.manual_pose import ManualPose, ct_to_world, pose_of

AXES = "RAS"


class PoseControls:
    """Keeps the parameter node's shifts and rotations equal to the pose transform above the CT."""

    def __init__(self, ui: Any, on_moved: Callable[[], None]) -> None:
        self.ui = ui
        self._on_moved = on_moved
        self._node: Any = None
        self._observed: Any = None
        self._observation: int | None = None
        self._updating = False
        self._history: list[np.ndarray] = []
        ui.resetButton.connect("clicked(bool)", lambda _checked=False: self.setPose(ManualPose()))
        ui.undoButton.connect("clicked(bool)", self.undo)
        for axis in AXES:
            for kind in ("translation", "rotation"):
                slider = getattr(ui, f"{kind}{axis}Slider")
                slider.connect("valueChanged(double)", self._slider_moved)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self._observe(None)
        self._history.clear()

    def refresh(self) -> None:
        """Put the CT under the transform and show the transform's pose on the sliders."""
        usable = self._node is not None and self._node.ctVolume is not None
        for axis in AXES:
            for kind in ("translation", "rotation"):
                getattr(self.ui, f"{kind}{axis}Slider").enabled = usable
        self.ui.resetButton.enabled = usable
        self.ui.undoButton.enabled = usable and len(self._history) > 0
        if usable and self._node.poseTransform is not None:
            self._attach()
            self._observe(self._node.poseTransform)
            self._show_transform()

    def setPose(self, pose: ManualPose) -> None:
        """Move the CT to a pose, remembering the one before."""
        if self._node is None or self._node.ctVolume is None:
            return
        self._write(ct_to_world(pose, self._pivot()))

    def moveMiddleTo(self, target_ras_mm: np.ndarray) -> None:
        """Shift the CT so that its middle comes to rest at ``target_ras_mm``, keeping its rotation."""
        shift = np.asarray(target_ras_mm, float) - self._pivot()
        self.setPose(ManualPose(tuple(float(t) for t in shift), self._shown().rotation_deg))

    def undo(self, _checked: bool = False) -> None:
        """Back to the pose before the last change."""
        if self._history:
            self._write(self._history.pop(), remember=False)

    def _slider_moved(self, _value: float = 0.0) -> None:
        if not self._updating and self._node is not None and self._node.ctVolume is not None:
            sliders = {
                kind: tuple(float(getattr(self.ui, f"{kind}{axis}Slider").value) for axis in AXES)
                for kind in ("translation", "rotation")
            }
            self.setPose(ManualPose(sliders["translation"], sliders["rotation"]))

    def _write(self, matrix: np.ndarray, remember: bool = True) -> None:
        self._ensure_transform()
        before = self._matrix()
        if np.allclose(before, matrix, atol=1e-9):
            return
        if remember:
            self._history.append(before)
        self._node.poseTransform.SetMatrixTransformToParent(vtk_matrix(matrix))

    def _ensure_transform(self) -> None:
        if self._node.poseTransform is None:
            transform = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLLinearTransformNode", self._node.ctVolume.GetName() + " pose"
            )
            self._node.poseTransform = transform
        self._attach()
        self._observe(self._node.poseTransform)

    def _attach(self) -> None:
        ct, transform = self._node.ctVolume, self._node.poseTransform
        if ct.GetTransformNodeID() != transform.GetID():
            ct.SetAndObserveTransformNodeID(transform.GetID())

    def _observe(self, transform: Any) -> None:
        if transform is self._observed:
            return
        if self._observed is not None:
            self._observed.RemoveObserver(self._observation)
        self._observed = transform
        if transform is not None:
            self._observation = transform.AddObserver(
                slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._transform_moved
            )

    def _transform_moved(self, _caller: Any, _event: str) -> None:
        if self._node is None or self._node.ctVolume is None:
            return
        self._show_transform()
        self.ui.undoButton.enabled = len(self._history) > 0
        self._on_moved()

    def _show_transform(self) -> None:
        pose = self._shown()
        self._updating = True
        modifying = self._node.StartModify()
        try:
            for index, axis in enumerate(AXES):
                setattr(self._node, f"translation{axis}", float(np.clip(pose.translation_mm[index], -300, 300)))
                setattr(self._node, f"rotation{axis}", float(np.clip(pose.rotation_deg[index], -180, 180)))
        finally:
            self._node.EndModify(modifying)
            self._updating = False

    def _shown(self) -> ManualPose:
        return pose_of(self._matrix(), self._pivot())

    def _matrix(self) -> np.ndarray:
        if self._node.poseTransform is None:
            return np.eye(4)
        matrix = vtk.vtkMatrix4x4()
        self._node.poseTransform.GetMatrixTransformToParent(matrix)
        return array_of(matrix)

    def _pivot(self) -> np.ndarray:
        """Middle of the CT in its own RAS, before the pose."""
        ijk_to_ras = vtk.vtkMatrix4x4()
        self._node.ctVolume.GetIJKToRASMatrix(ijk_to_ras)
        middle_ijk = (np.array(self._node.ctVolume.GetImageData().GetDimensions()) - 1) / 2
        return (array_of(ijk_to_ras) @ [*middle_ijk, 1])[:3]
