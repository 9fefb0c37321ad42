"""Starting a registration and taking its result: Register, Refine, Place by landmarks, Register sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from XRayLib.case import Case, Options, Result
from XRayLib.errors import XRay3DError
from XRayLib.scene.panel.device_choice import DeviceChoice
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.pose_nodes import put_pose
from XRayLib.scene.radiograph_nodes import film_version

from XRayRegistrationLib.landmark_pairs import is_enough
from XRayRegistrationLib.panel_case import has_been_placed, landmarks_of, registration_case, start_options
from XRayRegistrationLib.panel_landmarks import missing_text
from XRayRegistrationLib.panel_method import DEFAULT_METHOD
from XRayRegistrationLib.panel_quality import LANDMARKS
from XRayRegistrationLib.panel_sequence import SequenceRegistration


class RegistrationRuns:
    """The registration's buttons and what follows a click. ``panel`` is the RegistrationPanel."""

    def __init__(self, panel: Any) -> None:
        self.panel = panel
        self.ui = ui = panel.ui
        self.device = DeviceChoice(ui.deviceComboBox)
        self.bar = JobBar(
            ui,
            panel.client,
            on_apply=self.register,
            on_run_on_cpu=lambda: self._again("cpu"),
            on_running=panel.refresh,
        )
        self._again: Callable[[str | None], None] = self.register
        self._checked: tuple[tuple, tuple[bool, str]] | None = None
        ui.refineButton.connect("clicked(bool)", lambda _checked=False: self.refine())
        ui.registerSequenceButton.connect("clicked(bool)", lambda _checked=False: self.registerSequence())

    # Whether and why not

    def refresh(self, films: list[Any], locked: bool) -> None:
        """Enable the buttons, or say why not."""
        ready, reason = self.readiness(films, locked)
        self.bar.allow(ready, reason)
        node, running = self.panel.parameterNode, self.bar.running
        can_run = ready or node.start.value == "landmarks"
        placed = can_run and not locked and has_ct_pose(node)
        self._allow(self.ui.refineButton, placed, _refine_tip(ready, reason, placed))
        enough = node.ctVolume is not None and is_enough(landmarks_of(node.ctLandmarks, films))
        self._allow(
            self.ui.placeButton,
            enough and not locked,
            _("Move the CT to where the landmarks fit best, without refinement.")
            if enough
            else missing_text(landmarks_of(node.ctLandmarks, films)),
        )
        frames = len(self.panel.frames.values())
        self._allow(
            self.ui.registerSequenceButton,
            ready and frames > 1,
            _("Add X-rays of two or more frames.") if frames < 2 else reason,
        )
        if running:
            for button in (self.ui.refineButton, self.ui.placeButton, self.ui.registerSequenceButton):
                self._allow(button, False, _("A job is running."))

    def readiness(self, films: list[Any], locked: bool = False) -> tuple[bool, str]:
        """Whether Register can run, and the tooltip that says why not."""
        node = self.panel.parameterNode
        if locked:
            return False, _("The pose is accepted: press Edit to change it.")
        if self.panel.choice.method is None:
            return False, _("No registration method is installed.")
        start, ct = node.start.value, node.ctVolume
        state = (
            self.panel.choice.method.id,
            start,
            None if ct is None else (ct.GetID(), ct.GetMTime()),
            landmarks_of(node.ctLandmarks, films).pixels.tobytes(),
            *map(film_version, films),
        )
        if self._checked is None or self._checked[0] != state:
            self._checked = (state, self._check(films, start))
        return self._checked[1]

    def _check(self, films: list[Any], start: str) -> tuple[bool, str]:
        try:
            if self.panel.parameterNode.ctVolume is None:
                self.panel.choice.method.check(Case(tuple(films)))
            case = self.case(films, start)
            self.panel.choice.method.check(case)
        except XRay3DError as error:
            return False, str(error)
        if start == "landmarks" and case.landmarks is None:
            return False, missing_text(landmarks_of(self.panel.parameterNode.ctLandmarks, films))
        return True, _("Find the CT's pose on the X-rays.")

    def case(self, films: list[Any], start: str, initial: np.ndarray | None = None) -> Case:
        """The case of the panel's nodes."""
        node = self.panel.parameterNode
        volume = self.panel.live.volume(node.ctVolume)
        return registration_case(node.ctVolume, films, start, node.ctLandmarks, volume, initial)

    # The jobs

    def register(self, device: str | None = None) -> None:
        """Find the pose of the shown frame."""
        self._again = self.register
        self._run(self.panel.parameterNode.start.value, device, self.show)

    def refine(self, device: str | None = None) -> None:
        """Improve the present pose."""
        self._again = self.refine
        self._run("given", device, self.show)

    def placeByLandmarks(self, device: str | None = None) -> None:
        """Move the CT to where the landmarks fit best."""
        self._again = self.placeByLandmarks
        self._run("landmarks", device, self._show_placed, method_id=DEFAULT_METHOD, refine=False)

    def registerSequence(self, device: str | None = None) -> None:
        """Register every frame in turn."""
        self._again = self.registerSequence
        panel, node = self.panel, self.panel.parameterNode
        first_start = node.start.value
        method_id = panel.choice.method.id

        def run(case: Case, is_first: bool, callbacks: Mapping[str, Any]) -> None:
            options = self._options(first_start if is_first else "given", device)
            panel.client.run_method(method_id, case, options, **callbacks)

        def case_of(pose: np.ndarray | None) -> Case:
            return self.case(panel.frames.films(), first_start if pose is None else "given", pose)

        sequence = SequenceRegistration(node, panel.frames, case_of, panel.pose.ensureTransform, run)
        panel.decision.forgetRefused()

        def done(finished: SequenceRegistration) -> None:
            panel.pose.restart()
            panel.refresh()
            panel.say(finished.summary())

        self.bar.run(sequence.start, done, cancelled=lambda: _("Cancelled.") + " " + sequence.summary())

    def _run(
        self,
        start: str,
        device: str | None,
        on_result: Callable[[Result], None],
        method_id: str = "",
        refine: bool = True,
    ) -> None:
        films = self.panel.frames.films()
        method_id = method_id or self.panel.choice.method.id
        with slicer.util.tryWithErrorDisplay(_("The registration could not be started.")):
            case = self.case(films, start)
        options = self._options(start, device, refine)
        self.panel.decision.forgetRefused()
        client = self.panel.client
        self.bar.run(lambda callbacks: client.run_method(method_id, case, options, **callbacks), on_result)

    def _options(self, start: str, device: str | None, refine: bool = True) -> Options:
        extra = dict(start_options(start, refine))
        if self.panel.parameterNode.refineIntrinsics:
            extra["refine_intrinsics"] = True
        return Options(device=device or self.device.value, extra=extra)

    def show(self, result: Result) -> None:
        """The result is there: move the CT, or say why not."""
        panel, node = self.panel, self.panel.parameterNode
        if node is None or node.ctVolume is None:
            return
        if result.pose_quality is not None and not result.pose_quality.accepted:
            panel.decision.refuse(result)
            panel.say(_("The result was refused. The CT was not moved."))
        else:
            self.move(result)
        panel.refresh()

    def _show_placed(self, result: Result) -> None:
        """A pose from landmarks alone is a start: it says nothing about how well the images agree."""
        self.move(replace(result, method=LANDMARKS, pose_quality=None))
        self.panel.refresh()

    def move(self, result: Result) -> None:
        """Write a result's pose above the CT, as one step for undo."""
        panel = self.panel
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown.")):
            panel.pose.settle()
            transform = panel.pose.ensureTransform()
            panel.pose.settle()
            put_pose(result, transform)
            panel.pose.registered()
            panel.showPointCloud(result.point_cloud)
            panel.showSlices()
            panel.say(_("The CT was moved. Check its contours on every X-ray."))

    def _allow(self, button: Any, enabled: bool, tip: str) -> None:
        button.enabled = enabled
        button.toolTip = tip


def has_ct_pose(node: Any) -> bool:
    """Whether the CT was moved from where it was scanned."""
    try:
        return node.ctVolume is not None and has_been_placed(node.ctVolume)
    except XRay3DError:
        return False


def _refine_tip(ready: bool, reason: str, placed: bool) -> str:
    if placed:
        return _("Improve the present pose: start where the CT is now.")
    return _("Place or register the CT first.") if ready else reason
