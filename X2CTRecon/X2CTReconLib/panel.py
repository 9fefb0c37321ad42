"""The X2CTRecon panel: films, method, output, the running job, the check against the films."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.case import Options
from XRayLib.errors import XRay3DError
from XRayLib.jobs import WorkerClient
from XRayLib.registry import method
from XRayLib.scene.film_views import blend_films, show_films
from XRayLib.scene.layout import restore_layout, switch_to_film_layout
from XRayLib.scene.panel.device_choice import DeviceChoice
from XRayLib.scene.panel.film_adding import FilmAdding
from XRayLib.scene.panel.film_list import FilmList
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.panel.quality_card import quality_html
from XRayLib.scene.radiograph_nodes import film_version, is_radiograph, radiograph_from_node
from XRayLib.scene.worker_session import gui_client

from X2CTReconLib.panel_method import MethodChoice
from X2CTReconLib.panel_reconstruction import case_from_films, show_reconstruction


class ReconstructionPanel:
    """Binds the widgets of X2CTRecon.ui to a parameter node and to the worker.

    ``client`` is injected so that tests drive the panel with a worker of their own.
    """

    def __init__(self, ui: Any, logic: Any, client: WorkerClient | None = None) -> None:
        self.ui = ui
        self.logic = logic
        self.client = client or gui_client()
        self.parameterNode: Any = None
        self._binding: Any = None
        self._user_layout: int | None = None
        self._result_films: list[Any] = []
        self._checked: tuple[tuple, tuple[bool, str]] | None = None
        self.films = FilmList(ui.filmRowsLayout, on_remove=self.removeFilm, on_changed=self._film_changed)
        self.adding = FilmAdding(ui, self.client, on_added=self.addFilm, on_status=self.say)
        self.choice = MethodChoice(ui, self.client, on_changed=self._choice_changed)
        self.device = DeviceChoice(ui.deviceComboBox)
        self.bar = JobBar(ui, self.client, on_apply=self.apply, on_run_on_cpu=lambda: self.apply(device="cpu"))
        ui.overlaySlider.connect("valueChanged(double)", blend_films)
        ui.sampleButton.connect("clicked(bool)", self.addSample)

    # Parameter node

    def setParameterNode(self, node: Any) -> None:
        """Show a parameter node, or none when the scene closes or the user leaves."""
        if self.parameterNode is not None:
            self.parameterNode.disconnectGui(self._binding)
        self.parameterNode = node
        if node is not None:
            self._binding = node.connectGui(self.ui)
            self.choice.select(node.method, node.model)
            self.refresh()

    def refresh(self, _caller: Any = None, _event: str = "") -> None:
        """Show what the parameter node holds now."""
        if self.parameterNode is None:
            return
        nodes = self.filmNodes()
        self.films.show(nodes)
        self.ui.filmsHintLabel.setVisible(not nodes)
        self.bar.allow(*self.readiness())

    def filmNodes(self) -> list[Any]:
        """The radiographs of the case that are still in the scene."""
        return [node for node in self.parameterNode.films if is_radiograph(node)] if self.parameterNode else []

    def readiness(self) -> tuple[bool, str]:
        """Whether Apply can run, and the tooltip that says why not."""
        if self.parameterNode is None:
            return False, _("The scene is closing.")
        nodes = self.filmNodes()
        state = (self.parameterNode.method, *map(film_version, nodes))
        if self._checked is None or self._checked[0] != state:
            self._checked = (state, self._check(nodes))
        return self._checked[1]

    def _check(self, nodes: list[Any]) -> tuple[bool, str]:
        try:
            method(self.parameterNode.method).check(case_from_films(nodes))
        except XRay3DError as error:
            return False, str(error)
        return True, _("Reconstruct the volume.")

    # Films

    def addFilm(self, node: Any) -> None:
        """A film was loaded into the scene: it belongs to the case."""
        if self.parameterNode is None:
            return
        self.parameterNode.films = [*self.filmNodes(), node]
        self.showFilms()

    def removeFilm(self, node: Any) -> None:
        """Take a film out of the case and the scene."""
        self.parameterNode.films = [film for film in self.filmNodes() if film.GetID() != node.GetID()]
        slicer.mrmlScene.RemoveNode(node)
        self.refresh()

    def addSample(self, _checked: bool = False) -> None:
        """The bundled PA and lateral radiographs."""
        from X2CTReconLib.panel_samples import sample_files

        self.adding.addFiles([str(path) for path in sample_files()])

    def _film_changed(self, _node: Any) -> None:
        self.bar.allow(*self.readiness())
        self.showFilms()

    def showFilms(self, overlays: tuple[Any, ...] = ()) -> None:
        """Films in their own views, when the user wants the layout."""
        nodes = self.filmNodes()
        if not nodes or not self.parameterNode.showFilmLayout:
            return
        previous = switch_to_film_layout(len(nodes))
        if previous is not None:
            self._user_layout = previous
        films = [(node, radiograph_from_node(node).geometry) for node in nodes]
        show_films(films, overlays, self.parameterNode.overlayOpacity)

    # The job

    def apply(self, device: str | None = None) -> None:
        """Start the reconstruction in the worker."""
        ready, reason = self.readiness()
        if not ready:
            self.say(reason)
            return
        self._result_films = self.filmNodes()
        options = Options(device=device or self.device.value, bundle=self.parameterNode.model)
        case = case_from_films(self._result_films)
        self.bar.run(
            lambda callbacks: self.client.run_method(self.parameterNode.method, case, options, **callbacks), self.show
        )

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
            self.ui.qualityLabel.text = quality_html(result)

    def say(self, text: str) -> None:
        """A line under the buttons."""
        self.bar.say(text)

    # Life cycle

    def _choice_changed(self, method_id: str, model: str) -> None:
        if self.parameterNode is not None:
            self.parameterNode.method = method_id
            self.parameterNode.model = model
            self.bar.allow(*self.readiness())

    def forgetScene(self) -> None:
        """The scene closes: a running job's result has nowhere to go."""
        self.client.invalidate()
        self.films.show([])
        self.bar.idle()
        self.ui.qualityLabel.text = _("No result yet.")

    def leave(self) -> None:
        """The user goes to another module."""
        restore_layout(self._user_layout)
        self._user_layout = None

    def close(self) -> None:
        """The application closes."""
        self.client.close()
