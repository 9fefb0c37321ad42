"""The X2CTRecon panel: films, method, patient, output, the running job, the sequence, the check against the films."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.case import Case, Options, Result
from XRayLib.errors import XRay3DError
from XRayLib.jobs import WorkerClient
from XRayLib.registry import method
from XRayLib.scene.comparison_views import comparison_is_on
from XRayLib.scene.layout import restore_layout
from XRayLib.scene.organ_result import OrganInput
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.bring_into_view import bring_into_view
from XRayLib.scene.panel.case_panel import CasePanel
from XRayLib.scene.panel.device_choice import DeviceChoice
from XRayLib.scene.panel.frame_run import FrameRun
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.panel.preparation import PreparationPanel
from XRayLib.scene.panel.quality_card import quality_html
from XRayLib.scene.provenance import read_attribute
from XRayLib.scene.radiograph_nodes import film_version, radiograph_from_node
from XRayLib.scene.show_result import put_result
from XRayLib.scene.volume_nodes import is_reconstruction
from XRayLib.scene.worker_session import gui_client

from X2CTReconLib.panel_compare import ComparePanel
from X2CTReconLib.panel_export import ExportPanel
from X2CTReconLib.panel_frames import RunFrames
from X2CTReconLib.panel_method import MethodChoice
from X2CTReconLib.panel_organ import OrganPanel, shown_organ
from X2CTReconLib.panel_organ_card import organ_html
from X2CTReconLib.panel_organ_views import look_at_organ
from X2CTReconLib.panel_patient import PatientChoice
from X2CTReconLib.panel_reconstruction import look_at_reconstruction
from X2CTReconLib.panel_trust import TrustPanel


class ReconstructionPanel(CasePanel):
    """Films to a volume or an organ. ``client`` is injected so that tests drive the panel with their own worker."""

    no_result = _("No result yet.")
    volume_selectors = (
        "ctSelector",
        "outputSelector",
        "compareFirstSelector",
        "compareSecondSelector",
        "compareReferenceSelector",
    )
    films_in_3d = False
    """The film of a PA view would stand before the front of the volume."""

    def __init__(self, ui: Any, client: WorkerClient | None = None) -> None:
        super().__init__(ui, client or gui_client())
        self._result_films: list[Any] = []
        self._looked_at: Any = None
        self._checked: tuple[tuple, tuple[bool, str]] | None = None
        self.choice = MethodChoice(ui, self.client, on_changed=self._choice_changed)
        self.device = DeviceChoice(ui.deviceComboBox)
        self.patient = PatientChoice(
            ui, self.client, self._method, self.filmNodes, lambda: self.device.value, on_changed=self.refresh
        )
        self.preparation = PreparationPanel(
            ui, gui_client, self.patient, state_client=self.client, on_changed=self.refresh
        )
        self.frames = RunFrames(ui, self.filmNodes, on_shown=self.refresh)
        self.organ = OrganPanel(ui, on_changed=self.refresh)
        self._again = self.apply
        self.bar = JobBar(
            ui,
            self.client,
            on_apply=self.apply,
            on_run_on_cpu=lambda: self._again(device="cpu"),
            on_running=self.refresh,
        )
        self.comparison = ComparePanel(
            ui, self.client, self.bar, self.filmNodes, on_layout=self._switch_layout, on_undone=self._comparison_undone
        )
        self.trust = TrustPanel(ui, self.client, self.bar, self.filmNodes, lambda: self.device.value)
        self.export = ExportPanel(ui, self.client, self.bar, self.filmNodes)
        ui.sampleButton.connect("clicked(bool)", self.addSample)
        ui.applyRunButton.connect("clicked(bool)", lambda _checked=False: self.applyToRun())

    def _parts(self) -> tuple[Any, ...]:
        """Those that follow the parameter node."""
        return (
            *(self.patient, self.preparation, self.frames, self.organ),
            *(self.comparison, self.trust, self.export),
        )

    def _method(self) -> Any:
        return self.choice.method

    def parameterNodeReplaced(self, node: Any) -> None:
        """Show the node's method and model."""
        for part in self._parts():
            part.follow(node)
        if node is not None:
            self._looked_at = node.outputVolume
            self.choice.select(node.method, node.model, node.preset)

    def showState(self, films: list[Any]) -> None:
        """Apply is enabled, or says why not."""
        node, returns_mesh = self.parameterNode, self.choice.method.returns == "mesh"
        self.patient.refresh()
        self.preparation.refresh()
        self._show_sections(returns_mesh)
        ready, reason = self.readiness(films)
        self.bar.allow(ready, reason)
        several = len(self.frames.values()) > 1
        tip = self._run_tip(ready, reason, several)
        allow(self.ui.applyRunButton, ready and several and not self.bar.running, tip, tip)
        self.frames.refresh()
        self.organ.refresh(films, self.bar.running)
        self.comparison.refresh()
        self.trust.refresh(returns_mesh)
        self.layReprojections()
        self._follow_output()
        self.export.refresh()
        text = organ_html(shown_organ(node)) if returns_mesh else quality_html(node.outputVolume, films)
        self.ui.qualityLabel.text = text or self.no_result

    def _show_sections(self, returns_mesh: bool) -> None:
        ui = self.ui
        of_volumes = (
            *(ui.outputLabel, ui.outputSelector, ui.volumeRenderingCheckBox, ui.residualCheckBox),
            *(ui.consistentCheckBox, ui.styleTransferCheckBox, ui.estimateGeometryCheckBox),
            *(ui.overlayLabel, ui.overlaySlider),
        )
        for widget in of_volumes:
            widget.setVisible(not returns_mesh)
        refines = self.choice.method.id == "organ-mesh"
        ui.refineCheckBox.setVisible(refines)
        ui.outputCollapsibleButton.setVisible(refines or not returns_mesh)
        ui.refineFramesCheckBox.setVisible(refines)
        ui.sequenceCollapsibleButton.setVisible(returns_mesh)

    def _run_tip(self, ready: bool, reason: str, several: bool) -> str:
        if self.bar.running:
            return _("A job is running.")
        if not several:
            return _("Add a run of X-rays first.")
        return _("Find the organ on every frame; it then moves with the film.") if ready else reason

    def readiness(self, films: list[Any]) -> tuple[bool, str]:
        """Whether Apply can run, and the tooltip that says why not."""
        if missing := self.missingFilms():
            return False, missing
        prepared = self.preparation.state if self.patient.what else {}
        bundle = None if prepared is None else prepared.get("bundle")
        state = (
            self.parameterNode.method,
            self.patient.version(),
            prepared is None,
            bundle,
            *map(film_version, films),
        )
        if self._checked is None or self._checked[0] != state:
            self._checked = (state, self._check(films))
        return self._checked[1]

    def _check(self, films: list[Any]) -> tuple[bool, str]:
        chosen = method(self.parameterNode.method)
        try:
            case = self.case(films)
            if chosen.needs.mesh and case.ct is not None and case.mesh is None:
                return False, self.patient.missing
            chosen.check(case)
        except XRay3DError as error:
            return False, str(error)
        if not self.patient.what:
            return True, _("Reconstruct the volume.")
        state = self.preparation.state
        if state is None:
            return False, _("Looking up whether the patient is prepared ...")
        if not state.get("bundle"):
            return False, _(
                "{method} has not been trained for this organ of this CT: press 'Prepare this patient'."
            ).format(method=chosen.title)
        return True, _("Find the organ on the X-rays.")

    def case(self, films: list[Any]) -> Case:
        """The case of the panel's nodes."""
        return self.patient.case([radiograph_from_node(node) for node in films])

    def addSample(self, _checked: bool = False) -> None:
        """The bundled PA and lateral radiographs."""
        from X2CTReconLib.panel_samples import sample_files

        self.adding.addFiles([str(path) for path in sample_files()])

    def showViews(self) -> None:
        """Films in their own views, when the user wants that layout."""
        if self.parameterNode.showFilmLayout:
            super().showViews()

    def projectedVolume(self) -> Any:
        """The chosen result; none over the films that an organ is found on."""
        return None if self.choice.method.returns == "mesh" else self.parameterNode.outputVolume

    # The job

    def apply(self, device: str | None = None) -> None:
        """Start the reconstruction in the worker."""
        self._again = self.apply
        self._result_films = films = self.filmNodes()
        ready, reason = self.readiness(films)
        if not ready:
            self.say(reason)
            return
        method_id, case, started = self.parameterNode.method, self.case(films), time.monotonic()
        options = self._options(device, self.parameterNode.refineOrgan)
        given = self._organ_input(films) if method(method_id).returns == "mesh" else None
        frame = self.frames.shown

        def show(result: Result) -> None:
            if given is None:
                self.show(result)
            else:
                self.showOrgan(result, given, time.monotonic() - started, frame)
            bring_into_view(self.ui.qualityLabel)

        self.bar.run(lambda callbacks: self.client.run_method(method_id, case, options, **callbacks), show)

    def applyToRun(self, device: str | None = None) -> None:
        """Find the organ on every frame of the run."""
        self._again = self.applyToRun
        films, method_id = self.filmNodes(), self.parameterNode.method
        ready, reason = self.readiness(films)
        if not ready:
            self.say(reason)
            return
        options = self._options(device, self.parameterNode.refineFrames)
        given, first = self._organ_input(films), self.case(films)
        step, browser = self.organ.begin(), self.frames.browser

        def start_frame(callbacks: Any) -> None:
            # of the organ that the run began with, whatever is chosen meanwhile
            case = replace(self.case(films), ct=first.ct, mesh=first.mesh)
            self.client.run_method(method_id, case, options, keep_ct=True, **callbacks)

        def take(result: Result, seconds: float, value: str) -> None:
            self.organ.take(result, given, step, seconds, (browser, value))

        run = FrameRun(self.frames, start_frame, take)

        def done(_finished: FrameRun) -> None:
            self.whenHere(self._look)
            self.refresh()
            self.say(_run_summary(run))

        self.bar.run(run.start, done, cancelled=lambda: _("Cancelled.") + " " + _run_summary(run))

    def _options(self, device: str | None, refine: bool) -> Options:
        extra = {"refine": refine} if self.choice.method.id == "organ-mesh" else {}
        if self.choice.method.returns == "volume":
            asked = {
                "consistent": self.parameterNode.consistent,
                "style_transfer": self.parameterNode.styleTransfer,
                "estimate_geometry": self.parameterNode.estimateGeometry,
            }
            extra |= {name: True for name, wanted in asked.items() if wanted}
        if self.choice.preset:
            extra["preset"] = self.choice.preset
        return Options(device=device or self.device.value, bundle=self.parameterNode.model, extra=extra)

    def _organ_input(self, films: list[Any]) -> OrganInput:
        patient = self.patient
        return OrganInput(
            self.parameterNode.ctVolume, patient.organs.source, patient.organs.surface, tuple(films), patient.pose_node
        )

    def show(self, result: Result) -> None:
        """A volume is there: put it into the scene in one step."""
        node = self.parameterNode
        if node is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown."), waitCursor=True):
            output = None if _is_of_another_method(node.outputVolume, result) else node.outputVolume
            shown = put_result(result, self._result_films, volume_node=output, with_residual=node.addResidual)
            self._looked_at = node.outputVolume = shown.volume
            if node.compareFirst is None:
                node.compareFirst = shown.volume
            elif node.compareSecond is None and node.compareFirst is not shown.volume:
                node.compareSecond = shown.volume
            self.whenHere(self._look_at_volume)
            self.refresh()

    def showOrgan(
        self, result: Result, given: OrganInput, seconds: float, frame: tuple[Any, str] | None = None
    ) -> None:
        """An organ's surface is there: put it into the scene in one step, where it is of a run into its frame."""
        if self.parameterNode is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown."), waitCursor=True):
            if frame is not None:
                self.frames.show(self.frames.values().index(frame[1]))
            self.organ.take(result, given, self.organ.begin(), seconds, frame)
            self.whenHere(self._look)
            self.refresh()

    def _look_at_volume(self) -> None:
        node = self.parameterNode
        if node.outputVolume is not None:
            look_at_reconstruction(node.outputVolume, node.showVolumeRendering)
        self.showViews()

    def _follow_output(self) -> None:
        """Another result that the user chooses is the one in the views: card and re-projections tell of it."""
        before, self._looked_at = self._looked_at, self.parameterNode.outputVolume
        if self._looked_at is not before and is_reconstruction(self._looked_at):
            self.whenHere(self._look_at_chosen)

    def _look_at_chosen(self) -> None:
        node = self.parameterNode
        if node.outputVolume is not None:
            look_at_reconstruction(node.outputVolume, node.showVolumeRendering, in_place_of_another=True)

    def _look(self) -> None:
        self.showViews()
        look_at_organ(self.parameterNode.organNow, self.parameterNode.ctVolume)

    def _switch_layout(self, switch: Callable[[], int | None]) -> None:
        def show() -> None:
            layout = switch()
            if layout is not None:
                self._user_layout = layout

        self.whenHere(show)

    def leave(self) -> None:
        """The user goes to another module: a comparison that is shown is shown again when he comes back."""
        compared = comparison_is_on()
        super().leave()
        if compared:
            self.whenHere(self.comparison.showAgain)

    def _comparison_undone(self) -> None:
        restore_layout(self._user_layout)
        self.showFilms()

    def _choice_changed(self) -> None:
        if self.parameterNode is not None:
            self.parameterNode.method = self.choice.method.id
            self.parameterNode.model = self.choice.model
            self.parameterNode.preset = self.choice.preset
            self.refresh()

    def forgetScene(self) -> None:
        """The scene closes: a running job's result has nowhere to go."""
        super().forgetScene()
        self.patient.forget()
        self.organ.forget()
        self.comparison.forget()
        self.bar.allow(False, _("The scene is closing."))
        self.bar.idle()

    def close(self) -> None:
        """The application closes."""
        super().close()
        self.preparation.close()


def _is_of_another_method(volume: Any, result: Result) -> bool:
    """Results of several methods are to be compared: none is lost to another."""
    return is_reconstruction(volume) and read_attribute(volume, "Method") != result.method


def _run_summary(run: FrameRun) -> str:
    text = _("{done} of {frames} frames done.").format(done=run.done, frames=run.frames)
    if run.seconds_per_frame is not None:
        text += " " + _("{seconds:.2f} s per frame.").format(seconds=run.seconds_per_frame)
    return text
