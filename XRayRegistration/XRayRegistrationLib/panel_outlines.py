"""Outlines on the films of the models and segments that move with the CT, as the pose changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from XRayLib.case import SurfaceMesh
from XRayLib.errors import XRay3DError
from XRayLib.scene.film_views import film_view_ids
from XRayLib.scene.moved_outlines import hide_moved_outlines, put_moved_outlines, visible_organs
from XRayLib.scene.organ_source import OrganSource
from XRayLib.scene.outline_surface import in_world, outline_surface
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.node_observers import NodeObservers

SLOW_S = 0.15
"""Outlines that take longer than this are drawn when the pose has come to rest."""
REST_MS = 300


class MovedOutlines:
    """Drives outlinesCheckBox. ``films()`` are those that are shown, ``moving()`` the nodes that move with the CT."""

    def __init__(self, ui: Any, films: Callable[[], Sequence[Any]], moving: Callable[[], Sequence[Any]]) -> None:
        self.ui = ui
        self._films = films
        self._moving = moving
        self._node: Any = None
        self._surfaces: dict[tuple, tuple[tuple, SurfaceMesh]] = {}
        self._drawn_on: list[Any] = []
        self._later = qt.QTimer()
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.connect("timeout()", self.draw)
        self._observers = NodeObservers(_changes(), self.refresh)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        if parameter_node is None:
            self._later.stop()
            self._observers.observe([])
            self._surfaces.clear()
            self._drawn_on = []

    def refresh(self) -> None:
        """Enable the switch, and draw as soon as the application has time: of many changes the last one counts."""
        if self._node is None:
            return
        moving = list(self._moving())
        self._observers.observe(moving)
        any_visible = any(visible_organs(node) for node in moving)
        reason = _("Show a model or segmentation and tick it under 'Moves with it' first.")
        allow(self.ui.outlinesCheckBox, any_visible, reason)
        self._later.start()

    def draw(self) -> None:
        """The outlines where the organs are now."""
        if self._node is None:
            return
        started = time.perf_counter()
        organs = self._organs() if self._node.showOutlines else []
        films = list(self._films()) if organs else []
        for film in self._drawn_on:
            if film not in films and film.GetScene() is not None:
                hide_moved_outlines(film)
        for film in films:
            try:
                put_moved_outlines(film, organs, film_view_ids(film))
            except XRay3DError:  # a film that stands nowhere; the panel says so
                hide_moved_outlines(film)
        self._drawn_on = films
        self._later.setInterval(REST_MS if time.perf_counter() - started > SLOW_S else 0)

    def _organs(self) -> list[tuple[SurfaceMesh, tuple[float, float, float]]]:
        """Surfaces in world RAS and their colours."""
        sources = [source for node in self._moving() for source in visible_organs(node)]
        keys = {(source.node.GetID(), source.segment_id) for source in sources}
        self._surfaces = {key: known for key, known in self._surfaces.items() if key in keys}
        return [(in_world(self._surface(source), source.node), source.look().color) for source in sources]

    def _surface(self, source: OrganSource) -> SurfaceMesh:
        """Made again only when the organ's shape changed: the pose changes many times a second."""
        key, version = (source.node.GetID(), source.segment_id), (source.shape_version, _modified(source.surface))
        known = self._surfaces.get(key)
        if known is None or known[0] != version:
            known = self._surfaces[key] = (version, outline_surface(source))
        return known[1]


def _modified(data: Any) -> int:
    return 0 if data is None else data.GetMTime()


def _changes() -> tuple[int, ...]:
    """Events of an organ's node after which its outline may be another."""
    segmentation = slicer.vtkSegmentation
    return (
        slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
        slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
        slicer.vtkMRMLModelNode.MeshModifiedEvent,
        segmentation.SourceRepresentationModified,
        segmentation.RepresentationModified,
        segmentation.SegmentAdded,
        segmentation.SegmentRemoved,
        segmentation.SegmentModified,
    )
