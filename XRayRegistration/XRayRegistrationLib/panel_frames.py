"""The frames of the case: which X-rays belong together in time, and which frame is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from XRayLib.scene.deformation_sequence import open_deformation
from XRayLib.scene.film_run import films_at, frame_values, is_run_of, set_frame
from XRayLib.scene.panel.frame_chooser import FrameChooser
from XRayLib.scene.pose_sequence import open_pose, pose_sequence, records

from XRayRegistrationLib.panel_frame_table import show_film_frames, show_frames


class FramePanel(FrameChooser):
    """The frames of the case, and filmFrameTable, which says what film belongs to which."""

    def __init__(self, ui: Any, all_films: Callable[[], list[Any]], on_shown: Callable[[], None]) -> None:
        super().__init__(ui, all_films, on_shown)
        ui.filmFrameTable.connect("itemChanged(QTableWidgetItem*)", self._film_frame_edited)

    @property
    def browser(self) -> Any:
        """The sequence browser of the case; None without one."""
        return self._node.sequenceBrowser

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

    def _choose(self, index: int, value: str) -> None:
        if is_run_of(self.browser, self._all_films()):
            self.browser.SetSelectedItemNumber(index)
        else:
            self._node.frame = index
        open_deformation(self.browser, self._node.deformation, value)
        open_pose(self.browser, self._node.poseTransform, value)

    def _show_tables(self, values: list[str]) -> None:
        films, browser = self._all_films(), self.browser
        found = records(pose_sequence(browser, self._node.poseTransform))
        views = [len(films_at(films, browser, value)) for value in values]
        show_frames(self.ui.frameTable, views, [found.get(value) for value in values], self.index)
        show_film_frames(self.ui.filmFrameTable, [] if is_run_of(browser, films) else films)

    def _browser_changed(self) -> None:
        """Another frame was chosen in Slicer's own sequence toolbar."""
        if self._updating or self._node is None or self._node.sequenceBrowser is None:
            return
        if is_run_of(self._node.sequenceBrowser, self._all_films()) and self.index != self._shown:
            index, self._shown = self.index, None
            self.show(index)

    def _film_frame_edited(self, item: Any) -> None:
        if self._updating or item.column() != 1:
            return
        films = self._all_films()
        text = item.text().strip()
        if item.row() < len(films) and text.isdigit() and int(text) >= 1:
            set_frame(films[item.row()], int(text))
        self._on_shown()
