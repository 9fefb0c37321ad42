"""What the panel shows of the case besides the films: set-ups and CT in 3D, the CT's slices, a network's points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from slicer.i18n import tr as _
from XRayLib.case import PointCloud
from XRayLib.scene.c_arm_nodes import show_set_up
from XRayLib.scene.camera import look_past_films
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.point_cloud_nodes import put_point_cloud
from XRayLib.scene.radiograph_nodes import film_geometry, film_version, well_placed
from XRayLib.scene.volume_nodes import show_volume_rendering


class CaseViews:
    """Draws only what changed: the panel refreshes with every step of a slider."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self._drawn: tuple | None = None
        self._looked_at: tuple | None = None

    def forget(self) -> None:
        """Another parameter node, or none: draw everything again."""
        self._drawn = None

    def refresh(self, node: Any, all_films: Sequence[Any], shown: Sequence[Any]) -> None:
        """As the parameter node says; ``shown`` are the films of the shown frame."""
        if node.ctVolume is None:
            self._looked_at = None  # the next one may get its node's ID
        self._draw_set_up(all_films, shown, node.showSetup)
        _render_ct(node.ctVolume, node.showVolumeRendering)
        cloud = node.pointCloud
        allow(self.ui.pointCloudCheckBox, cloud is not None, _("Register by scene coordinates first."))
        if cloud is not None and cloud.GetDisplayNode() is not None:
            cloud.GetDisplayNode().SetVisibility(node.showPointCloud)

    def are_new(self, ct: Any, all_films: Sequence[Any]) -> bool:
        """Whether this CT has not been looked at with these films yet."""
        return _case_of(ct, all_films) not in (None, self._looked_at)

    def look(self, ct: Any, all_films: Sequence[Any], shown: Sequence[Any]) -> None:
        """Turn the 3D view to the CT before its films, once per CT and films: then the view is the user's."""
        if self.are_new(ct, all_films):
            look_past_films(ct, [film_geometry(film) for film in well_placed(shown)])
        self._looked_at = _case_of(ct, all_films)

    def keep_view(self, ct: Any, all_films: Sequence[Any]) -> None:
        """A scene that comes with its own view of the case."""
        self._looked_at = _case_of(ct, all_films)

    def _draw_set_up(self, all_films: Sequence[Any], shown: Sequence[Any], visible: bool) -> None:
        wanted = (visible, *map(film_version, shown))
        if wanted != self._drawn:
            ids = {film.GetID() for film in shown}
            show_set_up([film for film in all_films if film.GetID() not in ids], False)
            show_set_up(shown, visible)
            self._drawn = wanted


def _case_of(ct: Any, films: Sequence[Any]) -> tuple | None:
    return None if ct is None or not films else (ct.GetID(), *(film.GetID() for film in films))


def _render_ct(ct: Any, visible: bool) -> None:
    if ct is None:
        return
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(ct)
    if visible and (display is None or not display.GetVisibility()):
        show_volume_rendering(ct, logic)
    elif not visible and display is not None:
        display.SetVisibility(False)


def show_point_cloud(node: Any, cloud: PointCloud | None) -> None:
    """What a network saw on the films, in 3D under the CT's pose; the last one stays when there is none."""
    if cloud is not None:
        node.pointCloud = put_point_cloud(cloud, node.ctVolume.GetName() + " points seen", node.pointCloud)
        node.pointCloud.SetAndObserveTransformNodeID(node.ctVolume.GetTransformNodeID())
