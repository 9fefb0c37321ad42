"""The pose of the CT under the user's hands: sliders, handles in the views and buttons, with undo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _
from XRayLib.scene.matrices import array_of, local_to_world, vtk_matrix
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.pose_nodes import pose_attributes, pose_matrix, set_pose_attributes

from XRayRegistrationLib.manual_pose import ManualPose, ct_to_world, pose_of
from XRayRegistrationLib.panel_deformation import carrier
from XRayRegistrationLib.panel_handles import show_handles
from XRayRegistrationLib.panel_own_pose import leave_own, mark_carried, release_if_hardened, take_own
from XRayRegistrationLib.pose_history import PoseHistory

AXES = "RAS"
REST_MS = 600
"""A pose that has not changed for so long is a step of its own for undo."""


class PoseControls:
    """Keeps the parameter node's shifts and rotations equal to the pose transform above the CT.

    ``beside`` returns what else belongs to a step that is noted, ``on_back`` gets it when undo or redo comes back.
    """

    def __init__(
        self,
        ui: Any,
        on_moved: Callable[[], None],
        beside: Callable[[], Any] = lambda: None,
        on_back: Callable[[Any], None] = lambda _beside: None,
    ) -> None:
        self.ui = ui
        self._on_moved = on_moved
        self._beside = beside
        self._on_back = on_back
        self._node: Any = None
        self._observed: Any = None
        self._observation: int | None = None
        self._updating = False
        self._locked = False
        self._chosen: tuple[str, str] | None = None
        self.history = PoseHistory(np.eye(4))
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.connect("timeout()", self.settle)
        self._sliders = {kind: [getattr(ui, f"{kind}{axis}Slider") for axis in AXES] for kind in _KINDS}
        self._all_sliders = [slider for sliders in self._sliders.values() for slider in sliders]
        for kind, sliders in self._sliders.items():
            for index, slider in enumerate(sliders):
                slider.connect("valueChanged(double)", partial(self._slider_moved, kind, index))
        ui.resetButton.connect("clicked(bool)", lambda _checked=False: self.setPose(ManualPose()))
        ui.undoButton.connect("clicked(bool)", self.undo)
        ui.redoButton.connect("clicked(bool)", self.redo)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._rest.stop()
        self._node = parameter_node
        self._chosen = None
        self._observe(None)
        self.history.restart(np.eye(4) if parameter_node is None else pose_matrix(parameter_node.poseTransform))

    def refresh(self, locked: bool = False) -> None:
        """Put the CT under the transform and show the transform's pose on the sliders; ``locked`` allows no change."""
        usable = self._node is not None and self._node.ctVolume is not None
        self._locked = locked
        against = self._reason_against
        for widget in (*self._all_sliders, self.ui.resetButton):
            allow(widget, not against, against)
        if usable:
            release_if_hardened(self._node)
            self._chosen = take_own(self._node, self._chosen)
        elif self._node is not None:
            self._chosen = leave_own(self._node, self._chosen)
        if usable and self._node.poseTransform is not None:
            self._attach()
            self._observe(self._node.poseTransform)
            self._show_transform()
            show_handles(self._node.poseTransform, self.pivot(), self._node.showHandles and not locked)
        self._show_steps()

    # Moving

    def setPose(self, pose: ManualPose) -> None:
        """Move the CT to a pose given as shifts and rotations."""
        if self._node is not None and self._node.ctVolume is not None and not self._locked:
            self.writeToParent(ct_to_world(pose, self.pivot()))

    def moveMiddleTo(self, target_ras_mm: np.ndarray) -> None:
        """Shift the CT so that its middle comes to rest at ``target_ras_mm`` in world RAS, keeping its rotation."""
        self.ensureTransform()
        above = local_to_world(self._node.poseTransform)
        target = (np.linalg.inv(above) @ [*np.asarray(target_ras_mm, float), 1.0])[:3]
        shift = target - self.pivot()
        self.setPose(ManualPose(tuple(float(t) for t in shift), self._shown().rotation_deg))

    def writeToParent(self, matrix: np.ndarray) -> None:
        """Write the transform's matrix, making the transform when there is none."""
        self.ensureTransform()
        if not np.allclose(pose_matrix(self._node.poseTransform), matrix, atol=1e-9):
            self._node.poseTransform.SetMatrixTransformToParent(vtk_matrix(matrix))

    def settle(self) -> None:
        """The pose has come to rest: it is a step of its own for undo."""
        self._rest.stop()
        self.history.settle()
        self._show_steps()

    def undo(self, _checked: bool = False) -> None:
        """Back to the pose before the last change, with what was said about it."""
        if self.history.can_undo and not self._locked:
            self._go_to(self.history.undo())

    def redo(self, _checked: bool = False) -> None:
        """Forward to the pose that was taken back."""
        self.settle()
        if self.history.can_redo and not self._locked:
            self._go_to(self.history.redo())

    def note(self) -> None:
        """The present pose is a step, and what is known of it comes back with undo and redo."""
        self.settle()
        self.history.annotate((pose_attributes(self._node.poseTransform), self._beside()))

    def restart(self) -> None:
        """Another frame is shown: its pose is no step of the one before."""
        self._rest.stop()
        self.history.restart(pose_matrix(self._node.poseTransform))
        self._show_steps()

    def _go_to(self, matrix: np.ndarray) -> None:
        note = self.history.note
        if note is not None:
            set_pose_attributes(self._node.poseTransform, note[0])
        self.writeToParent(matrix)
        if note is not None:
            self._on_back(note[1])
        self._rest.stop()
        self._show_steps()

    def ensureTransform(self) -> Any:
        """The transform above the CT. A new one starts where the CT is."""
        if self._node.poseTransform is None:
            transform = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLLinearTransformNode", self._node.ctVolume.GetName() + " pose"
            )
            transform.SetMatrixTransformToParent(vtk_matrix(local_to_world(self._node.ctVolume)))
            self.history.restart(pose_matrix(transform))
            self._node.poseTransform = transform
        self._attach()
        self._observe(self._node.poseTransform)
        return self._node.poseTransform

    def pivot(self) -> np.ndarray:
        """Middle of the CT in its own RAS, before the pose."""
        import vtk

        ijk_to_ras = vtk.vtkMatrix4x4()
        self._node.ctVolume.GetIJKToRASMatrix(ijk_to_ras)
        middle_ijk = (np.array(self._node.ctVolume.GetImageData().GetDimensions()) - 1) / 2
        return (array_of(ijk_to_ras) @ [*middle_ijk, 1])[:3]

    def _slider_moved(self, kind: str, index: int, value: float) -> None:
        """One number changes; the others stay as they are, also where their sliders cannot show them."""
        if not self._updating and self._node is not None and self._node.ctVolume is not None:
            pose = ManualPose() if self._node.poseTransform is None else self._shown()
            values = {"translation": list(pose.translation_mm), "rotation": list(pose.rotation_deg)}
            values[kind][index] = float(value)
            self.setPose(ManualPose(tuple(values["translation"]), tuple(values["rotation"])))

    def _attach(self) -> None:
        transform_id = carrier(self._node).GetID()
        for moved in (self._node.ctVolume, self._node.ctLandmarks, self._node.pointCloud):
            if moved is not None and moved.GetTransformNodeID() != transform_id:
                moved.SetAndObserveTransformNodeID(transform_id)
        mark_carried(self._node)

    def _observe(self, transform: Any) -> None:
        if transform is self._observed:
            return
        if self._observed is not None:
            self._observed.RemoveObserver(self._observation)
        self._observed = transform
        if transform is not None:
            self.history.restart(pose_matrix(transform))
            self._observation = transform.AddObserver(
                slicer.vtkMRMLTransformableNode.TransformModifiedEvent, self._transform_moved
            )

    def _transform_moved(self, _caller: Any, _event: str) -> None:
        if self._node is None or self._node.ctVolume is None:
            return
        self.history.moved(pose_matrix(self._node.poseTransform))
        self._rest.start()
        self._show_transform()
        self._show_steps()
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

    def _show_steps(self) -> None:
        against = self._reason_against
        allow(self.ui.undoButton, not against and self.history.can_undo, against or _("There is nothing to take back."))
        allow(self.ui.redoButton, not against and self.history.can_redo, against or _("Nothing was taken back."))

    @property
    def _reason_against(self) -> str:
        """Why nothing can be moved now; empty when it can."""
        if self._node is None or self._node.ctVolume is None:
            return _("Choose a CT first.")
        return _("The pose is accepted: press Edit to change it.") if self._locked else ""

    def _shown(self) -> ManualPose:
        return pose_of(pose_matrix(self._node.poseTransform), self.pivot())


_KINDS = ("translation", "rotation")
