"""Landmarks: picking them in the CT and on the films, the table that pairs them, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from XRayLib.case import Landmarks
from XRayLib.errors import XRay3DError
from XRayLib.scene.film_views import film_view_ids, three_d_view_ids
from XRayLib.scene.landmark_nodes import (
    FILM_LANDMARKS_ROLE,
    film_landmarks,
    film_pixels,
    new_ct_landmarks,
    remove_landmark,
    show_landmarks_only_in,
)
from XRayLib.scene.matrices import rigid_local_to_world
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.node_observers import NodeObservers
from XRayLib.scene.radiograph_nodes import film_geometry

from XRayRegistrationLib.landmark_pairs import FEWEST_PAIRS, is_enough, landmark_distances_mm, pair_counts, partners
from XRayRegistrationLib.panel_case import landmarks_of
from XRayRegistrationLib.panel_landmark_table import LandmarkRow, show_rows
from XRayRegistrationLib.panel_picking import Picking


class LandmarkPanel:
    """Drives the landmark widgets. ``films()`` are the X-rays of the shown frame; ``on_changed`` after each change."""

    def __init__(
        self, ui: Any, films: Callable[[], list[Any]], on_changed: Callable[[], None], on_place: Callable[[], None]
    ) -> None:
        self.ui = ui
        self._films = films
        self._on_changed = on_changed
        self._node: Any = None
        markups = slicer.vtkMRMLMarkupsNode
        events = (markups.PointAddedEvent, markups.PointModifiedEvent, markups.PointRemovedEvent)
        self._lists = NodeObservers(events, self._points_changed)
        self._references = NodeObservers((slicer.vtkMRMLNode.ReferenceAddedEvent,), self._points_changed)
        self.picking = Picking(ui.pickButton, self._target_list)
        ui.landmarkTargetComboBox.connect("currentIndexChanged(int)", self.picking.retarget)
        ui.removeLandmarkButton.connect("clicked(bool)", self.removeSelected)
        ui.clearLandmarksButton.connect("clicked(bool)", self.clear)
        ui.placeButton.connect("clicked(bool)", lambda _checked=False: on_place())
        ui.landmarkTable.connect("itemSelectionChanged()", self._selection_changed)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self._lists.observe([])
        self._references.observe([])
        if parameter_node is None:
            self.picking.stop()

    def landmarks(self) -> Landmarks:
        """What was picked so far, paired."""
        return landmarks_of(self._node.ctLandmarks, self._films())

    def refresh(self) -> None:
        """Show targets, table and what is missing."""
        films, ct = self._films(), self._node.ctVolume
        self._fill_targets(films)
        self._restrict_to_views(films)
        usable = ct is not None and bool(films)
        tip = _("Click points in the chosen view; press again, or Escape, to stop.")
        allow(self.ui.pickButton, usable, _("Choose a CT and add an X-ray first."), tip)
        self.showTable()

    def showTable(self) -> None:
        """Rows and distances for the present pose."""
        films, ct = self._films(), self._node.ctVolume
        self._references.observe(films)  # a film's list is made when its first point is picked
        self._lists.observe([self._node.ctLandmarks, *(film_landmarks(film, create=False) for film in films)])
        landmarks = self.landmarks()
        distances = np.full(landmarks.pixels.shape[:2], np.nan)
        if ct is not None:
            try:
                geometries = [film_geometry(film) for film in films]
                distances = landmark_distances_mm(landmarks, geometries, rigid_local_to_world(ct))
            except XRay3DError:
                pass  # the status line tells of a transform that is not rigid
        show_rows(self.ui.landmarkTable, self._rows(landmarks, distances, films), len(films))
        self.ui.landmarkHintLabel.text = missing_text(landmarks)
        allow(self.ui.clearLandmarksButton, self.ui.landmarkTable.rowCount > 0, _("No point is picked yet."))
        self._selection_changed()

    def removeSelected(self, _checked: bool = False) -> None:
        """Remove the selected point from the CT and from every film."""
        label = self._selected_label()
        for node in [self._node.ctLandmarks, *(film_landmarks(film, create=False) for film in self._films())]:
            remove_landmark(node, label)

    def clear(self, _checked: bool = False) -> None:
        """Remove all landmarks of the CT and of the films."""
        for node in [self._node.ctLandmarks, *(film.GetNodeReference(FILM_LANDMARKS_ROLE) for film in self._films())]:
            if node is not None:
                node.RemoveAllControlPoints()

    def _rows(self, landmarks: Landmarks, distances: np.ndarray, films: Sequence[Any]) -> list[LandmarkRow]:
        picked = np.isfinite(landmarks.pixels).all(axis=2)
        rows = []
        for index, label in enumerate(landmarks.names):
            known = distances[:, index][np.isfinite(distances[:, index])]
            mean = float(known.mean()) if known.size else None
            rows.append(LandmarkRow(label, True, tuple(bool(p) for p in picked[:, index]), mean))
        extra: dict[str, list[bool]] = {}
        for view, film in enumerate(films):
            labels, _pixels = film_pixels(film)
            for label, row in zip(labels, partners(landmarks.names, labels), strict=True):
                if row is None:
                    extra.setdefault(label, [False] * len(films))[view] = True
        return rows + [LandmarkRow(label, False, tuple(seen), None) for label, seen in extra.items()]

    def _fill_targets(self, films: Sequence[Any]) -> None:
        combo = self.ui.landmarkTargetComboBox
        titles = [_("In the CT")]
        titles += [_("On X-ray {number} ({name})").format(number=n, name=f.GetName()) for n, f in enumerate(films, 1)]
        if [combo.itemText(index) for index in range(combo.count)] != titles:
            chosen, was_blocked = combo.currentIndex, combo.blockSignals(True)
            combo.clear()
            for title in titles:
                combo.addItem(title)
            combo.setCurrentIndex(chosen if 0 <= chosen < len(titles) else 0)
            combo.blockSignals(was_blocked)
            self.picking.retarget()

    def _target_list(self) -> Any:
        """The list that the next points go to, made when it is first needed."""
        index = self.ui.landmarkTargetComboBox.currentIndex
        if index > 0:
            return film_landmarks(self._films()[index - 1])
        if self._node.ctLandmarks is None:
            self._node.ctLandmarks = new_ct_landmarks(self._node.ctVolume)
        return self._node.ctLandmarks

    def _restrict_to_views(self, films: Sequence[Any]) -> None:
        of_films = set()
        for film in films:
            node, views = film_landmarks(film, create=False), film_view_ids(film, with_3d=False)
            of_films |= set(views)
            if node is not None and views:
                show_landmarks_only_in(node, views)
        if self._node.ctLandmarks is not None and of_films:
            slices = [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")]
            shown = [view for view in slices if view not in of_films] + three_d_view_ids()
            show_landmarks_only_in(self._node.ctLandmarks, shown)

    def _points_changed(self) -> None:
        if self._node is not None:
            self._restrict_to_views(self._films())
            self.showTable()
            self._on_changed()

    def _selected_label(self) -> str:
        rows = {item.row() for item in self.ui.landmarkTable.selectedItems()}
        return self.ui.landmarkTable.item(min(rows), 0).text() if rows else ""

    def _selection_changed(self) -> None:
        allow(self.ui.removeLandmarkButton, bool(self._selected_label()), _("Select a row of the table first."))


def missing_text(landmarks: Landmarks) -> str:
    """What the landmarks lack for a registration, or that they are enough."""
    if len(landmarks.names) < FEWEST_PAIRS:
        return _("Pick {fewest} or more points in the CT ({count} so far) and the same points on an X-ray.").format(
            fewest=FEWEST_PAIRS, count=len(landmarks.names)
        )
    counts = pair_counts(landmarks)
    pairs = ", ".join(_("{count} on X-ray {number}").format(count=count, number=n) for n, count in enumerate(counts, 1))
    if not is_enough(landmarks):
        return _("Pick the same points on an X-ray: {fewest} pairs are needed, {pairs}.").format(
            fewest=FEWEST_PAIRS, pairs=pairs
        )
    return _("Pairs: {pairs}. Enough to place the CT.").format(pairs=pairs)
