"""Starting a reconstruction and taking its result: Apply, and the organ on every frame of a run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.case import Case, Options, Result
from XRayLib.registry import method
from XRayLib.scene.organ_result import OrganInput
from XRayLib.scene.panel.bring_into_view import bring_into_view
from XRayLib.scene.panel.device_choice import DeviceChoice
from XRayLib.scene.panel.frame_run import FrameRun
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.provenance import read_attribute
from XRayLib.scene.radiograph_nodes import radiograph_from_node
from XRayLib.scene.run_frame import set_run_frame
from XRayLib.scene.show_result import put_result
from XRayLib.scene.volume_nodes import is_reconstruction

from X2CTReconLib.panel_readiness import RunReadiness


class ReconstructionRuns:
    """The reconstruction's buttons and what follows a click. ``panel`` is the ReconstructionPanel."""

    def __init__(self, panel: Any) -> None:
        self.panel = panel
        self.ui = ui = panel.ui
        self.device = DeviceChoice(ui.deviceComboBox)
        self.bar = JobBar(
            ui,
            panel.client,
            on_apply=self.apply,
            on_run_on_cpu=lambda: self._again("cpu"),
            on_running=panel.refresh,
        )
        self.readiness = RunReadiness(panel, self.bar, self.case)
        self._again: Callable[[str | None], None] = self.apply
        ui.applyRunButton.connect("clicked(bool)", lambda _checked=False: self.applyToRun())

    def refresh(self, films: list[Any]) -> None:
        """Enable the buttons, or say why not."""
        self.readiness.refresh(films)

    def case(self, films: list[Any]) -> Case:
        """The case of the panel's nodes."""
        return self.panel.patient.case([radiograph_from_node(node) for node in films])

    # The jobs

    def apply(self, device: str | None = None) -> None:
        """Reconstruct the volume, or find the organ on the shown frame."""
        self._again = self.apply
        panel, films = self.panel, self._ready_films()
        if films is None:
            return
        node, frame, started = panel.parameterNode, panel.frames.shown, time.monotonic()
        method_id, case = node.method, self.case(films)
        options = self._options(device, node.refineOrgan)
        given = self._organ_input(films) if method(method_id).returns == "mesh" else None

        def take(result: Result) -> None:
            if given is None:
                self._show_volume(result, films, frame)
            else:
                self._show_organ(result, given, time.monotonic() - started, frame)
            bring_into_view(self.ui.qualityLabel)

        self.bar.run(lambda callbacks: panel.client.run_method(method_id, case, options, **callbacks), take)

    def applyToRun(self, device: str | None = None) -> None:
        """Find the organ on every frame of the run."""
        self._again = self.applyToRun
        panel, films = self.panel, self._ready_films()
        if films is None:
            return
        method_id = panel.parameterNode.method
        options = self._options(device, panel.parameterNode.refineFrames)
        given, first = self._organ_input(films), self.case(films)
        step, browser = panel.organ.begin(), panel.frames.browser

        def start_frame(callbacks: Any) -> None:
            # of the organ that the run began with, whatever is chosen meanwhile
            case = replace(self.case(films), ct=first.ct, mesh=first.mesh)
            panel.client.run_method(method_id, case, options, keep_ct=True, **callbacks)

        def take(result: Result, seconds: float, value: str) -> None:
            panel.organ.take(result, given, step, seconds, (browser, value))

        run = FrameRun(panel.frames, start_frame, take)

        def done(_finished: FrameRun) -> None:
            panel.whenHere(panel.lookAtOrgan)
            panel.refresh()
            panel.say(_summary(run))

        self.bar.run(run.start, done, cancelled=lambda: _("Cancelled.") + " " + _summary(run))

    def _ready_films(self) -> list[Any] | None:
        """The films of a run; None, and why, when it cannot start."""
        films = self.panel.filmNodes()
        ready, reason = self.readiness.of(films)
        if not ready:
            self.panel.say(reason)
        return films if ready else None

    def _options(self, device: str | None, refine: bool) -> Options:
        node, choice = self.panel.parameterNode, self.panel.choice
        extra: dict[str, Any] = {"refine": refine} if choice.method.id == "organ-mesh" else {}
        if choice.method.returns == "volume":
            asked = {
                "consistent": node.consistent,
                "style_transfer": node.styleTransfer,
                "estimate_geometry": node.estimateGeometry,
            }
            extra |= {name: True for name, wanted in asked.items() if wanted}
        if choice.preset:
            extra["preset"] = choice.preset
        return Options(device=device or self.device.value, bundle=node.model, extra=extra)

    def _organ_input(self, films: list[Any]) -> OrganInput:
        patient = self.panel.patient
        ct, organs = self.panel.parameterNode.ctVolume, patient.organs
        return OrganInput(ct, organs.source, organs.surface, tuple(films), patient.pose_node)

    # Their results

    def _show_volume(self, result: Result, films: list[Any], frame: tuple[Any, str] | None) -> None:
        """A volume is there: put it into the scene in one step; one of a run says of which frame it is."""
        panel, node = self.panel, self.panel.parameterNode
        if node is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown."), waitCursor=True):
            self._return_to(frame)
            output = None if _is_of_another_method(node.outputVolume, result) else node.outputVolume
            shown = put_result(result, films, volume_node=output, with_residual=node.addResidual)
            set_run_frame(shown.volume, "" if frame is None else frame[1])
            panel.chooseOutput(shown.volume)
            if node.compareFirst is None:
                node.compareFirst = shown.volume
            elif node.compareSecond is None and node.compareFirst is not shown.volume:
                node.compareSecond = shown.volume
            panel.whenHere(panel.lookAtVolume)
            panel.refresh()

    def _show_organ(self, result: Result, given: OrganInput, seconds: float, frame: tuple[Any, str] | None) -> None:
        """An organ's surface is there: put it into the scene in one step, where it is of a run into its frame."""
        panel = self.panel
        if panel.parameterNode is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown."), waitCursor=True):
            self._return_to(frame)
            panel.organ.take(result, given, panel.organ.begin(), seconds, frame)
            panel.whenHere(panel.lookAtOrgan)
            panel.refresh()

    def _return_to(self, frame: tuple[Any, str] | None) -> None:
        """Show the frame that the result is of: the user may have looked at another one meanwhile."""
        frames = self.panel.frames
        if frame is not None and frame[1] in frames.values():
            frames.show(frames.values().index(frame[1]))


def _is_of_another_method(volume: Any, result: Result) -> bool:
    """Results of several methods are to be compared: none is lost to another."""
    return is_reconstruction(volume) and read_attribute(volume, "Method") != result.method


def _summary(run: FrameRun) -> str:
    text = _("{done} of {frames} frames done.").format(done=run.done, frames=run.frames)
    if run.seconds_per_frame is not None:
        text += " " + _("{seconds:.2f} s per frame.").format(seconds=run.seconds_per_frame)
    return text
