"""The X2CTRecon panel: films, method, patient, output, sequence, comparison, the check against the films."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _
from XRayLib.jobs import WorkerClient
from XRayLib.scene.comparison_views import comparison_is_on
from XRayLib.scene.layout import restore_layout
from XRayLib.scene.panel.case_panel import CasePanel
from XRayLib.scene.panel.preparation import PreparationPanel
from XRayLib.scene.panel.quality_card import quality_html
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
from X2CTReconLib.panel_run import ReconstructionRuns
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
        self._looked_at: Any = None
        self.choice = MethodChoice(ui, self.client, on_changed=self._choice_changed)
        self.runs = ReconstructionRuns(self)
        self.patient = PatientChoice(
            ui, self.client, self._method, self.filmNodes, lambda: self.runs.device.value, on_changed=self.refresh
        )
        self.preparation = PreparationPanel(
            ui, gui_client, self.patient, state_client=self.client, on_changed=self.refresh
        )
        self.frames = RunFrames(ui, self.filmNodes, on_shown=self.refresh)
        self.organ = OrganPanel(ui, on_changed=self.refresh)
        bar = self.runs.bar
        self.comparison = ComparePanel(
            ui, self.client, bar, self.filmNodes, on_layout=self._switch_layout, on_undone=self._comparison_undone
        )
        self.trust = TrustPanel(ui, self.client, bar, self.filmNodes, lambda: self.runs.device.value)
        self.export = ExportPanel(ui, self.client, bar, self.filmNodes, self._elsewhere)
        ui.sampleButton.connect("clicked(bool)", self.addSample)

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
        self.runs.refresh(films)
        self.frames.refresh()
        self.organ.refresh(films, self.runs.bar.running)
        self.comparison.refresh()
        self.trust.refresh(returns_mesh)
        self.layReprojections()
        self._follow_output()
        self.export.refresh()
        if returns_mesh:
            text = organ_html(shown_organ(node))
        else:
            text = quality_html(node.outputVolume, films, self._elsewhere())
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

    def _elsewhere(self) -> str:
        return self.frames.elsewhere(self.parameterNode.outputVolume)

    def addSample(self, _checked: bool = False) -> None:
        """The bundled PA and lateral radiographs."""
        from X2CTReconLib.panel_samples import sample_files

        self.adding.addFiles([str(path) for path in sample_files()])

    def showViews(self) -> None:
        """Films in their own views, when the user wants that layout."""
        if self.parameterNode.showFilmLayout:
            super().showViews()

    def projectedVolume(self) -> Any:
        """The chosen result; none over the films that an organ is found on, nor over those of another frame."""
        volume = self.parameterNode.outputVolume
        return None if self.choice.method.returns == "mesh" or self._elsewhere() else volume

    # What is looked at

    def chooseOutput(self, volume: Any) -> None:
        """A new result, which is looked at when the user is here."""
        self._looked_at = self.parameterNode.outputVolume = volume

    def lookAtVolume(self) -> None:
        """The result in the views, beside the films."""
        self._look_at_output()
        self.showViews()

    def _follow_output(self) -> None:
        """Another result that the user chooses is the one in the views: card and re-projections tell of it."""
        before, self._looked_at = self._looked_at, self.parameterNode.outputVolume
        if self._looked_at is not before and is_reconstruction(self._looked_at):
            self.whenHere(lambda: self._look_at_output(in_place_of_another=True))

    def _look_at_output(self, in_place_of_another: bool = False) -> None:
        node = self.parameterNode
        if node.outputVolume is not None:
            look_at_reconstruction(node.outputVolume, node.showVolumeRendering, in_place_of_another)

    def lookAtOrgan(self) -> None:
        """The organ that was found in the views, beside the films."""
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
        self.runs.bar.allow(False, _("The scene is closing."))
        self.runs.bar.idle()

    def close(self) -> None:
        """The application closes."""
        super().close()
        self.preparation.close()
