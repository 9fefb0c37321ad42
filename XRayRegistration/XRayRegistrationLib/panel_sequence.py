"""Registering the frames of a run in turn, each from the pose of the one before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from XRayLib.case import Case, Result
from XRayLib.scene.matrices import rigid_local_to_world
from XRayLib.scene.panel.job_bar import told_to
from XRayLib.scene.pose_nodes import put_pose
from XRayLib.scene.pose_sequence import add_pose_sequence, mark_refused, open_pose, store_pose

from XRayRegistrationLib.panel_frames import FramePanel

Callbacks = Mapping[str, Callable[..., None]]
RunFrame = Callable[[Case, bool, Callbacks], None]
"""``run(case, is_first, callbacks)`` starts the method on one frame."""


class SequenceRegistration:
    """One pass over the frames. What is registered stays when a later frame fails or the user cancels."""

    def __init__(
        self,
        node: Any,
        frames: FramePanel,
        case_of: Callable[[np.ndarray | None], Case],
        ensure_transform: Callable[[], Any],
        run: RunFrame,
    ) -> None:
        self._node = node
        self._frames = frames
        self._case_of = case_of
        self._ensure_transform = ensure_transform
        self._run = run
        self._values = frames.values()
        self._pose: np.ndarray | None = None
        self.refused: list[int] = []
        self.done = 0

    def start(self, callbacks: Callbacks) -> None:
        """Begin with the first frame; ``callbacks`` as of JobBar.run."""
        self._callbacks = callbacks
        self._next()

    def summary(self) -> str:
        """What came of it, in one sentence."""
        text = _("{done} of {frames} frames registered.").format(
            done=self.done - len(self.refused), frames=len(self._values)
        )
        if self.refused:
            numbers = ", ".join(str(index + 1) for index in self.refused)
            text += " " + _("Refused: {numbers}; they keep the pose of the frame before.").format(numbers=numbers)
        return text

    def _next(self) -> None:
        index = self.done
        if index == len(self._values):
            self._callbacks["on_result"](self)
            return
        self._frames.show(index)
        stage = _("Frame {number} of {frames}").format(number=index + 1, frames=len(self._values))

        def progress(fraction: float, name: str, remaining_s: float | None = None) -> None:
            left = None if remaining_s is None else remaining_s * (len(self._values) - index)
            self._callbacks["on_progress"]((index + fraction) / len(self._values), f"{stage}: {name}", left)

        self._run(
            self._case_of(self._pose),
            self._pose is None,
            {"on_progress": progress, "on_result": self._arrived, "on_error": self._callbacks["on_error"]},
        )

    def _arrived(self, result: Result) -> None:
        with told_to(self._callbacks["on_error"]):
            self._take(result)
            self.done += 1
            self._next()

    def _take(self, result: Result) -> None:
        self._frames.show(self.done)  # the user may have looked at another frame meanwhile
        transform, value, browser = self._ensure_transform(), self._values[self.done], self._browser()
        sequence = add_pose_sequence(browser, transform, value)
        open_pose(browser, transform, value)
        if result.pose_quality is not None and not result.pose_quality.accepted:
            self.refused.append(self.done)
            mark_refused(result, transform)
        else:
            put_pose(result, transform)
            self._pose = rigid_local_to_world(self._node.ctVolume)
        store_pose(sequence, transform, value)

    def _browser(self) -> Any:
        if self._node.sequenceBrowser is None:
            self._node.sequenceBrowser = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLSequenceBrowserNode", self._node.ctVolume.GetName() + " poses"
            )
        return self._node.sequenceBrowser
