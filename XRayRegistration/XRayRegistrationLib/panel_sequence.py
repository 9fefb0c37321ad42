"""Registering the frames of a run in turn, each from the pose of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from XRayLib.case import Case, Result
from XRayLib.geometry import XRayGeometry
from XRayLib.scene.matrices import rigid_local_to_world, vtk_matrix
from XRayLib.scene.panel.frame_run import FrameRun
from XRayLib.scene.panel.job_bar import Callbacks
from XRayLib.scene.pose_nodes import pose_matrix, put_pose
from XRayLib.scene.pose_sequence import add_pose_sequence, mark_refused, open_pose, store_pose

from XRayRegistrationLib.panel_case import geometries_of
from XRayRegistrationLib.panel_frames import FramePanel

RunFrame = Callable[[Case, bool, Callbacks], None]
"""``run(case, is_first, callbacks)`` starts the method on one frame."""


class SequenceRegistration:
    """One pass over the frames."""

    def __init__(
        self,
        node: Any,
        frames: FramePanel,
        case_of: Callable[[np.ndarray | None], Case],
        ensure_transform: Callable[[], Any],
        run: RunFrame,
        take_deformation: Callable[[Result], None],
    ) -> None:
        self._node = node
        self._case_of = case_of
        self._ensure_transform = ensure_transform
        self._run = run
        self._take_deformation = take_deformation
        self._pose: np.ndarray | None = None
        self._latest: tuple[np.ndarray, Result] | None = None
        """Matrix of the pose transform and result of the latest frame that was not refused."""
        self._films: list[XRayGeometry] = []
        self._pass = FrameRun(frames, self._run_frame, self._take)
        self.refused: list[int] = []

    def start(self, callbacks: Callbacks) -> None:
        """Begin with the first frame; ``callbacks`` as of JobBar.run."""
        self._pass.start(callbacks)

    def summary(self) -> str:
        """What came of it, in one sentence."""
        text = _("{done} of {frames} frames registered.").format(
            done=self._pass.done - len(self.refused), frames=self._pass.frames
        )
        if self.refused:
            numbers = ", ".join(str(index + 1) for index in self.refused)
            text += " " + _("Refused: {numbers}; they keep the pose of the frame before.").format(numbers=numbers)
        return text

    def _run_frame(self, callbacks: Callbacks) -> None:
        case = self._case_of(self._pose)
        self._films = geometries_of(case)
        self._run(case, self._pose is None, callbacks)

    def _take(self, result: Result, _seconds: float, value: str) -> None:
        transform, browser = self._ensure_transform(), self._browser()
        sequence = add_pose_sequence(browser, transform, value)
        open_pose(browser, transform, value)
        is_refused = result.pose_quality is not None and not result.pose_quality.accepted
        if is_refused:
            self.refused.append(self._pass.done)
            if self._latest is not None:
                transform.SetMatrixTransformToParent(vtk_matrix(self._latest[0]))
            mark_refused(result, transform)
        else:
            put_pose(result, transform, self._films)
            self._pose = rigid_local_to_world(self._node.ctVolume)
            self._latest = pose_matrix(transform), result
        store_pose(sequence, transform, value)
        if self._latest is not None:
            # What was measured of the frame before says nothing of this one.
            self._take_deformation(replace(self._latest[1], quality={}) if is_refused else result)

    def _browser(self) -> Any:
        if self._node.sequenceBrowser is None:
            self._node.sequenceBrowser = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLSequenceBrowserNode", self._node.ctVolume.GetName() + " poses"
            )
        return self._node.sequenceBrowser
