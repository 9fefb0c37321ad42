"""The XRayRegistration panel: films and CT in 3D, the pose by hand, live re-projection."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.errors import XRay3DError
from XRayLib.geometry import isocenter_of
from XRayLib.jobs import WorkerClient
from XRayLib.scene.c_arm_nodes import show_set_up
from XRayLib.scene.film_views import blend_films, show_films, show_in_slices
from XRayLib.scene.layout import restore_layout, switch_to_film_layout
from XRayLib.scene.panel.film_adding import FilmAdding
from XRayLib.scene.panel.film_list import FilmList
from XRayLib.scene.panel.tools import ToolButtons
from XRayLib.scene.radiograph_nodes import film_version, is_radiograph, radiograph_from_node
from XRayLib.scene.volume_nodes import show_as_ct, show_volume_rendering
from XRayLib.scene.worker_session import gui_client

from XRayRegistrationLib.panel_pose import PoseControls
from XRayRegistrationLib.panel_reprojection import LiveReprojection


class RegistrationPanel:
    """Binds the widgets of XRayRegistration.ui to a parameter node and to the worker."""

    def __init__(self, ui: Any, logic: Any, client: WorkerClient | None = None) -> None:
        self.ui = ui
        self.logic = logic
        self.client = client or gui_client()
        self.parameterNode: Any = None
        self._binding: Any = None
        self._user_layout: int | None = None
        self._drawn: tuple | None = None
        self.films = FilmList(ui.filmRowsLayout, on_remove=self.removeFilm, on_changed=self._film_changed)
        self.adding = FilmAdding(ui, self.client, on_added=self.addFilm, on_status=self.say)
        self.pose = PoseControls(ui, on_moved=self.reproject)
        self.live = LiveReprojection(self.client, on_done=self._reprojected, on_error=self._failed)
        self.tools = ToolButtons(ui, self.client, on_status=self.say)
        ui.overlaySlider.connect("valueChanged(double)", blend_films)
        ui.showButton.connect("clicked(bool)", lambda _checked=False: self.showViews())
        ui.centerButton.connect("clicked(bool)", self.centerOnFilms)

    # Parameter node

    def setParameterNode(self, node: Any) -> None:
        """Show a parameter node, or none when the scene closes or the user leaves."""
        if self.parameterNode is not None:
            self.parameterNode.disconnectGui(self._binding)
        self.parameterNode = node
        self.pose.follow(None)  # filling the sliders one by one must not move the CT
        self._drawn = None
        if node is not None:
            self._binding = node.connectGui(self.ui)
            self.pose.follow(node)
            self.refresh()

    def refresh(self, _caller: Any = None, _event: str = "") -> None:
        """Show what the parameter node holds now."""
        node = self.parameterNode
        if node is None:
            return
        films = self.filmNodes()
        self.films.show(films)
        self.ui.filmsHintLabel.setVisible(not films)
        self.ui.showButton.enabled = bool(films)
        self.ui.showButton.toolTip = (
            _("Show the X-rays in their own views beside the CT.") if films else _("Add an X-ray first.")
        )
        self.ui.centerButton.enabled = bool(films) and node.ctVolume is not None
        self._draw_set_up(films, node.showSetup)
        self._render_ct(node.ctVolume, node.showVolumeRendering)
        self.pose.refresh()
        self.tools.refresh()
        self.reproject()

    def _draw_set_up(self, films: list[Any], visible: bool) -> None:
        wanted = (visible, *map(film_version, films))
        if wanted != self._drawn:
            show_set_up(films, visible)
            self._drawn = wanted

    def _render_ct(self, ct: Any, visible: bool) -> None:
        if ct is None:
            return
        logic = slicer.modules.volumerendering.logic()
        display = logic.GetFirstVolumeRenderingDisplayNode(ct)
        if visible and (display is None or not display.GetVisibility()):
            show_volume_rendering(ct, logic)
        elif not visible and display is not None:
            display.SetVisibility(False)

    def filmNodes(self) -> list[Any]:
        """The radiographs of the case that are still in the scene."""
        return [node for node in self.parameterNode.films if is_radiograph(node)] if self.parameterNode else []

    # Films and views

    def addFilm(self, node: Any) -> None:
        """A film was loaded into the scene: it belongs to the case."""
        if self.parameterNode is not None:
            self.parameterNode.films = [*self.filmNodes(), node]
            self.showViews()

    def removeFilm(self, node: Any) -> None:
        """Take a film out of the case and the scene, with its set-up and re-projection."""
        self.parameterNode.films = [film for film in self.filmNodes() if film.GetID() != node.GetID()]
        show_set_up([node], False)
        slicer.mrmlScene.RemoveNode(node)
        self.refresh()

    def showViews(self) -> None:
        """Films in their own views, the CT in the slice views."""
        films = self.filmNodes()
        if not films:
            return
        previous = switch_to_film_layout(len(films))
        if previous is not None:
            self._user_layout = previous
        overlays = [node for node in self.parameterNode.reprojections if node is not None]
        geometries = [(node, radiograph_from_node(node).geometry) for node in films]
        show_films(geometries, overlays, self.parameterNode.overlayOpacity)
        if self.parameterNode.ctVolume is not None:
            show_as_ct(self.parameterNode.ctVolume)
            show_in_slices(self.parameterNode.ctVolume)

    def _film_changed(self, _node: Any) -> None:
        self._draw_set_up(self.filmNodes(), self.parameterNode.showSetup)
        self.showViews()
        self.reproject()

    def centerOnFilms(self, _checked: bool = False) -> None:
        """Put the middle of the CT where the central rays meet."""
        with slicer.util.tryWithErrorDisplay(_("The CT could not be centered.")):
            target = isocenter_of([radiograph_from_node(node).geometry for node in self.filmNodes()])
            self.pose.moveMiddleTo(target)

    # Re-projection

    def reproject(self) -> None:
        """Ask for new re-projections when they are wanted and possible; the latest pose wins."""
        node = self.parameterNode
        if node is None or not node.liveReprojection or node.ctVolume is None or self.tools.missing:
            return
        films = self.filmNodes()
        if not films:
            self.ui.qualityLabel.text = _("Add an X-ray.")
            return
        try:
            self.live.request(node.ctVolume, films)
        except XRay3DError as error:
            self.say(str(error))

    def _reprojected(self, overlays: list[Any], similarities: list[float]) -> None:
        if self.parameterNode is None:
            return
        if [n.GetID() for n in self.parameterNode.reprojections if n is not None] != [n.GetID() for n in overlays]:
            self.parameterNode.reprojections = overlays
            self.showViews()
        self.ui.qualityLabel.text = "<br>".join(
            _("<b>X-ray {number}:</b> correlation {value:.3f}").format(number=index, value=value)
            for index, value in enumerate(similarities, start=1)
        )

    def _failed(self, failure: Any) -> None:
        self.say(f"{failure.message} {failure.hint}".strip())

    def say(self, text: str) -> None:
        """A line at the bottom of the panel."""
        self.ui.statusLabel.text = text

    # Life cycle

    def forgetScene(self) -> None:
        """The scene closes."""
        self.client.invalidate()
        self.live.forget()
        self.films.show([])
        self.ui.qualityLabel.text = _("Choose a CT and add an X-ray.")

    def leave(self) -> None:
        """The user goes to another module."""
        restore_layout(self._user_layout)
        self._user_layout = None

    def close(self) -> None:
        """The application closes."""
        self.client.close()
