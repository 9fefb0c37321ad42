"""The frames of the case: which X-rays belong together in time, and which frame is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk
from XRayLib.scene.film_run import films_at, frame_values, is_run_of, set_frame
from XRayLib.scene.panel.node_observers import NodeObservers
from XRayLib.scene.pose_sequence import open_pose, pose_sequence, records

from XRayRegistrationLib.panel_frame_table import show_film_frames, show_frames


class FramePanel:
    """Drives frameSlider, frameTable and filmFrameTable. ``on_shown`` after another frame is shown."""

    def __init__(self, ui: Any, all_films: Callable[[], list[Any]], on_shown: Callable[[], None]) -> None:
        self.ui = ui
        self._all_films = all_films
        self._on_shown = on_shown
        self._node: Any = None
        self._updating = False
        self._shown: int | None = None
        self._observers = NodeObservers((vtk.vtkCommand.ModifiedEvent,), self._browser_changed)
        ui.frameSlider.connect("valueChanged(double)", lambda value: self.show(round(value) - 1))
        ui.frameTable.connect("itemSelectionChanged()", self._row_selected)
        ui.filmFrameTable.connect("itemChanged(QTableWidgetItem*)", self._film_frame_edited)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self._shown = None
        self._observers.observe([] if parameter_node is None else [parameter_node.sequenceBrowser])

    def values(self) -> list[str]:
        """The frames in order of time."""
        return frame_values(self._all_films(), self._node.sequenceBrowser)

    @property
    def index(self) -> int:
        """The frame that is shown, from 0."""
        browser = self._node.sequenceBrowser
        if is_run_of(browser, self._all_films()):
            return max(0, browser.GetSelectedItemNumber())
        return min(max(0, self._node.frame), max(0, len(self.values()) - 1))

    def films(self) -> list[Any]:
        """The X-rays of the shown frame."""
        values = self.values()
        if not values:
            return []
        return films_at(self._all_films(), self._node.sequenceBrowser, values[self.index])

    def show(self, index: int) -> None:
        """Show a frame: its X-rays and its pose."""
        values = self.values()
        if self._updating or not 0 <= index < len(values) or index == self.index == self._shown:
            return
        self._updating = True
        try:
            if is_run_of(self._node.sequenceBrowser, self._all_films()):
                self._node.sequenceBrowser.SetSelectedItemNumber(index)
            else:
                self._node.frame = index
            open_pose(self._node.sequenceBrowser, self._node.poseTransform, values[index])
        finally:
            self._updating = False
        self._shown = index
        self._on_shown()

    def refresh(self) -> None:
        """Show slider and tables."""
        values, films = self.values(), self._all_films()
        browser = self._node.sequenceBrowser
        self._observers.observe([browser])
        self._updating = True
        try:
            self.ui.frameSlider.maximum = float(max(1, len(values)))
            self.ui.frameSlider.value = float(self.index + 1)
            self.ui.frameSlider.enabled = len(values) > 1
            found = records(pose_sequence(browser, self._node.poseTransform))
            views = [len(films_at(films, browser, value)) for value in values]
            show_frames(self.ui.frameTable, views, [found.get(value) for value in values], self.index)
            show_film_frames(self.ui.filmFrameTable, [] if is_run_of(browser, films) else films)
        finally:
            self._updating = False
        self._shown = self.index

    def _browser_changed(self) -> None:
        """Another frame was chosen in Slicer's own sequence toolbar."""
        if self._updating or self._node is None or self._node.sequenceBrowser is None:
            return
        if is_run_of(self._node.sequenceBrowser, self._all_films()) and self.index != self._shown:
            index, self._shown = self.index, None
            self.show(index)

    def _row_selected(self) -> None:
        rows = {item.row() for item in self.ui.frameTable.selectedItems()}
        if rows and not self._updating:
            self.show(min(rows))

    def _film_frame_edited(self, item: Any) -> None:
        if self._updating or item.column() != 1:
            return
        films = self._all_films()
        text = item.text().strip()
        if item.row() < len(films) and text.isdigit() and int(text) >= 1:
            set_frame(films[item.row()], int(text))
        self._on_shown()
