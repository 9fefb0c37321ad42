"""Starting a registration and taking its result: Register, Refine, Place by landmarks, Register sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from XRayLib.case import Case, Options, Result
from XRayLib.geometry import XRayGeometry
from XRayLib.scene.panel.bring_into_view import bring_into_view
from XRayLib.scene.panel.device_choice import DeviceChoice
from XRayLib.scene.panel.frame_run import FrameRun
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.pose_nodes import put_pose

from XRayRegistrationLib.panel_case import geometries_of, registration_case, start_options
from XRayRegistrationLib.panel_method import DEFAULT_METHOD
from XRayRegistrationLib.panel_quality import LANDMARKS
from XRayRegistrationLib.panel_readiness import RunReadiness
from XRayRegistrationLib.panel_sequence import SequenceRegistration
from XRayRegistrationLib.panel_views import show_point_cloud


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
        self.readiness = RunReadiness(panel, self.bar, self.case)
        self._films: list[XRayGeometry] = []
        """Of the latest run."""
        self._again: Callable[[str | None], None] = self.register
        ui.refineButton.connect("clicked(bool)", lambda _checked=False: self.refine())
        ui.registerSequenceButton.connect("clicked(bool)", lambda _checked=False: self.registerSequence())

    def refresh(self, films: list[Any], locked: bool) -> None:
        """Enable the buttons, or say why not."""
        self.readiness.refresh(films, locked)

    def case(self, films: list[Any], start: str, initial: np.ndarray | None = None) -> Case:
        """The case of the panel's nodes; the organ goes to methods that follow its motion."""
        node = self.panel.parameterNode
        volume = self.panel.live.volume(node.ctVolume)
        organ = self.panel.organ.surface if self.panel.choice.deforms else None
        return registration_case(node.ctVolume, films, start, node.ctLandmarks, volume, initial, organ)

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
            panel.client.run_method(method_id, case, options, keep_ct=True, **callbacks)

        def case_of(pose: np.ndarray | None) -> Case:
            return self.case(panel.frames.films(), first_start if pose is None else "given", pose)

        sequence = SequenceRegistration(
            node, panel.frames, case_of, panel.pose.ensureTransform, run, take_deformation=panel.deformation.take
        )
        panel.decision.forgetRefused()

        def done(_finished: FrameRun) -> None:
            panel.pose.restart()
            panel.refresh()
            panel.say(sequence.summary())

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
        client, ct = self.panel.client, self.panel.parameterNode.ctVolume

        def take(result: Result) -> None:
            node = self.panel.parameterNode
            if node is not None and node.ctVolume is ct:
                on_result(result)
            elif node is not None:
                self.panel.say(_("Another CT was chosen meanwhile: the result of the former one was not used."))

        self._films = geometries_of(case)
        self.bar.run(lambda callbacks: client.run_method(method_id, case, options, **callbacks), take)

    def _options(self, start: str, device: str | None, refine: bool = True) -> Options:
        extra = dict(start_options(start, refine))
        if self.panel.parameterNode.refineIntrinsics:
            extra["refine_intrinsics"] = True
        return Options(device=device or self.device.value, extra=extra)

    def show(self, result: Result) -> None:
        """The result is there: move the CT, or say why not."""
        panel = self.panel
        if result.pose_quality is not None and not result.pose_quality.accepted:
            panel.decision.refuse(result)
            panel.say(_("The result was refused. The CT was not moved."))
        else:
            self.move(result)
        panel.refresh()
        bring_into_view(self.ui.cardLabel)

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
            panel.pose.note()
            put_pose(result, transform, self._films)
            panel.deformation.take(result)
            panel.pose.note()
            show_point_cloud(panel.parameterNode, result.point_cloud)
            panel.showSlices()
            panel.say(_("The CT was moved. Check its contours on every X-ray."))
