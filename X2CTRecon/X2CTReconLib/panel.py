"""The X2CTRecon panel: films, method, output, the running job, the check against the films."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.case import Options
from XRayLib.errors import XRay3DError
from XRayLib.jobs import WorkerClient
from XRayLib.registry import method
from XRayLib.scene.panel.case_panel import CasePanel
from XRayLib.scene.panel.device_choice import DeviceChoice
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.panel.quality_card import quality_html
from XRayLib.scene.radiograph_nodes import film_version
from XRayLib.scene.worker_session import gui_client

from X2CTReconLib.panel_method import MethodChoice
from X2CTReconLib.panel_reconstruction import case_from_films, show_reconstruction


class ReconstructionPanel(CasePanel):
    """Films to a volume. ``client`` is injected so that tests drive the panel with a worker of their own."""

    no_result = _("No result yet.")
    films_in_3d = False
    """The film of a PA view would stand before the front of the volume."""

    def __init__(self, ui: Any, client: WorkerClient | None = None) -> None:
        super().__init__(ui, client or gui_client())
        self._result_films: list[Any] = []
        self._checked: tuple[tuple, tuple[bool, str]] | None = None
        self.choice = MethodChoice(ui, self.client, on_changed=self._choice_changed)
        self.device = DeviceChoice(ui.deviceComboBox)
        self.bar = JobBar(ui, self.client, on_apply=self.apply, on_run_on_cpu=lambda: self.apply(device="cpu"))
        ui.sampleButton.connect("clicked(bool)", self.addSample)

    def parameterNodeReplaced(self, node: Any) -> None:
        """Show the node's method and model."""
        if node is not None:
            self.choice.select(node.method, node.model)

    def showState(self, films: list[Any]) -> None:
        """Apply is enabled, or says why not."""
        self.bar.allow(*self.readiness(films))
        node = self.parameterNode
        self.ui.qualityLabel.text = quality_html(node.outputVolume, node.reprojections) or self.no_result

    def readiness(self, films: list[Any]) -> tuple[bool, str]:
        """Whether Apply can run, and the tooltip that says why not."""
        state = (self.parameterNode.method, *map(film_version, films))
        if self._checked is None or self._checked[0] != state:
            self._checked = (state, self._check(films))
        return self._checked[1]

    def _check(self, films: list[Any]) -> tuple[bool, str]:
        try:
            method(self.parameterNode.method).check(case_from_films(films))
        except XRay3DError as error:
            return False, str(error)
        return True, _("Reconstruct the volume.")

    def addSample(self, _checked: bool = False) -> None:
        """The bundled PA and lateral radiographs."""
        from X2CTReconLib.panel_samples import sample_files

        self.adding.addFiles([str(path) for path in sample_files()])

    def showFilms(self, overlays: Any = None) -> None:
        """Films in their own views, when the user wants that layout."""
        if self.parameterNode.showFilmLayout:
            super().showFilms(overlays)

    # The job

    def apply(self, device: str | None = None) -> None:
        """Start the reconstruction in the worker."""
        self._result_films = self.filmNodes()
        ready, reason = self.readiness(self._result_films)
        if not ready:
            self.say(reason)
            return
        method_id = self.parameterNode.method
        options = Options(device=device or self.device.value, bundle=self.parameterNode.model)
        case = case_from_films(self._result_films)
        self.bar.run(lambda callbacks: self.client.run_method(method_id, case, options, **callbacks), self.show)

    def show(self, result: Any) -> None:
        """The result is there: put it into the scene in one step."""
        node = self.parameterNode
        if node is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown."), waitCursor=True):
            shown = show_reconstruction(
                result,
                self._result_films,
                volume_node=node.outputVolume,
                with_residual=node.addResidual,
                with_rendering=node.showVolumeRendering,
            )
            node.outputVolume = shown.volume
            node.reprojections = list(shown.reprojections)
            self.showFilms(shown.reprojections)
            self.refresh()

    def _choice_changed(self, method_id: str, model: str) -> None:
        if self.parameterNode is not None:
            self.parameterNode.method = method_id
            self.parameterNode.model = model
            self.refresh()

    def forgetScene(self) -> None:
        """The scene closes: a running job's result has nowhere to go."""
        super().forgetScene()
        self.bar.allow(False, _("The scene is closing."))
        self.bar.idle()
