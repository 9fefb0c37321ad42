"""The XRayRegistration panel: films and CT in 3D, the pose by hand, live re-projection."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.errors import XRay3DError
from XRayLib.geometry import isocenter_of
from XRayLib.jobs import WorkerClient
from XRayLib.scene.c_arm_nodes import show_set_up
from XRayLib.scene.film_views import show_in_slices
from XRayLib.scene.panel.case_panel import CasePanel
from XRayLib.scene.panel.tools import ToolButtons
from XRayLib.scene.radiograph_nodes import film_version, radiograph_from_node
from XRayLib.scene.volume_nodes import show_as_ct, show_volume_rendering
from XRayLib.scene.worker_session import gui_client

from XRayRegistrationLib.panel_pose import PoseControls
from XRayRegistrationLib.panel_reprojection import LiveReprojection


class RegistrationPanel(CasePanel):
    """A CT on films. ``client`` is injected so that tests drive the panel with a worker of their own."""

    no_result = _("Choose a CT and add an X-ray.")

    def __init__(self, ui: Any, client: WorkerClient | None = None) -> None:
        super().__init__(ui, client or gui_client())
        self._drawn: tuple | None = None
        self.pose = PoseControls(ui, on_moved=self.reproject)
        self.live = LiveReprojection(self.client, on_done=self._reprojected, on_error=self._failed)
        self.tools = ToolButtons(ui, self.client, on_status=self.say)
        ui.showButton.connect("clicked(bool)", lambda _checked=False: self.showFilms())
        ui.centerButton.connect("clicked(bool)", self.centerOnFilms)

    def parameterNodeReplaced(self, node: Any) -> None:
        """The sliders follow the new node; without one, filling them one by one cannot move the CT."""
        self.pose.follow(node)
        self._drawn = None

    def showState(self, films: list[Any]) -> None:
        """Buttons, set-ups, CT, pose and re-projections as the parameter node says."""
        node = self.parameterNode
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

    def showFilms(self, overlays: Any = None) -> None:
        """Films in their own views, the CT in the slice views."""
        super().showFilms(overlays)
        if self.filmNodes() and self.parameterNode.ctVolume is not None:
            show_as_ct(self.parameterNode.ctVolume)
            show_in_slices(self.parameterNode.ctVolume)

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
            self.showFilms()
        self.ui.qualityLabel.text = "<br>".join(
            _("<b>X-ray {number}:</b> correlation {value:.3f}").format(number=index, value=value)
            for index, value in enumerate(similarities, start=1)
        )

    def _failed(self, failure: Any) -> None:
        self.say(f"{failure.message} {failure.hint}".strip())

    def forgetScene(self) -> None:
        """The scene closes."""
        super().forgetScene()
        self.live.forget()
