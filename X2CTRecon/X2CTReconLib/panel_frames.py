"""The frames of a run of X-rays, and what came of each."""

from __future__ import annotations

from typing import Any

import qt
from slicer.i18n import tr as _
from XRayLib.scene.film_run import frame_values, is_run_of
from XRayLib.scene.organ_sequence import frame_measures
from XRayLib.scene.panel.frame_chooser import FrameChooser
from XRayLib.scene.panel.tables import prepare_table
from XRayLib.scene.run_frame import run_frame

COLUMNS = {
    "moved_mean_mm": (lambda: _("Moved"), "{:.1f} mm"),
    "deviation_median_mm": (lambda: _("Error"), "{:.1f} mm"),
    "now_ml": (lambda: _("Volume"), "{:.0f} ml"),
    "seconds": (lambda: _("Time"), "{:.2f} s"),
}
"""Measures that the table shows, their headings and formats."""
NARROWEST_PX = 36


class RunFrames(FrameChooser):
    """The frames of a run of films."""

    @property
    def browser(self) -> Any:
        """The browser of the run; None when the films are of no run."""
        browser = None if self._node is None else self._node.sequenceBrowser
        return browser if is_run_of(browser, self._all_films()) else None

    def values(self) -> list[str]:
        """The index values of the run's frames; empty without a run."""
        return [] if self.browser is None else frame_values(self._all_films(), self.browser)

    @property
    def shown(self) -> tuple[Any, str] | None:
        """The browser and the index value of the frame that is shown; None without a run."""
        return None if self.browser is None else (self.browser, self.value)

    def elsewhere(self, volume: Any) -> str:
        """That a volume, or None, was computed from another frame than the shown one; empty when it was not."""
        of, values = run_frame(volume), self.values()
        if of not in values or of == self.value:
            return ""
        return _("The volume is of frame {number} of the run, frame {shown} is shown.").format(
            number=values.index(of) + 1, shown=self.index + 1
        )

    @property
    def index(self) -> int:
        """The frame that is shown, from 0."""
        return 0 if self.browser is None else max(0, self.browser.GetSelectedItemNumber())

    def _choose(self, index: int, value: str) -> None:  # noqa: ARG002
        self.browser.SetSelectedItemNumber(index)

    def _show_tables(self, values: list[str]) -> None:
        found = frame_measures(self.browser, self._node.organNow)
        table = self.ui.frameTable
        prepare_table(table, [_("Frame"), *(heading() for heading, _format in COLUMNS.values())], len(values))
        table.horizontalHeader().setMinimumSectionSize(NARROWEST_PX)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        for row, value in enumerate(values):
            numbers = found.get(value, {})
            texts = [text.format(numbers[name]) if name in numbers else "" for name, (_h, text) in COLUMNS.items()]
            for column, text in enumerate((str(row + 1), *texts)):
                table.setItem(row, column, qt.QTableWidgetItem(text))
        if values:
            table.selectRow(self.index)
        table.setVisible(len(values) > 1)

    def _browser_changed(self) -> None:
        if not self._updating and self.browser is not None and self.index != self._shown:
            self._shown = self.index
            self._on_shown()
