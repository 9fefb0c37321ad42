"""The table of landmarks: which point was picked where, and how far apart the pose leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _
from XRayLib.scene.panel.status_colors import status_color

FAR_MM = 10.0
"""Above this a pair is worth a second look."""
ROW_PX = 24


@dataclass(frozen=True)
class LandmarkRow:
    """A point: picked in the CT, picked on each X-ray, mean distance in mm or None."""

    label: str
    in_ct: bool
    on_films: tuple[bool, ...]
    distance_mm: float | None


def show_rows(table: Any, rows: Sequence[LandmarkRow], views: int) -> None:
    """Fill the table; the selected row stays selected."""
    selected = {item.row() for item in table.selectedItems()}
    was_blocked = table.blockSignals(True)
    headings = [_("Point"), _("CT"), *(_("X-ray {number}").format(number=n + 1) for n in range(views)), _("Distance")]
    table.setColumnCount(len(headings))
    table.setHorizontalHeaderLabels(headings)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
    table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
    table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    table.setRowCount(len(rows))
    for index, row in enumerate(rows):
        marks = [_mark(is_picked) for is_picked in (row.in_ct, *row.on_films)]
        distance = "" if row.distance_mm is None else _("{mm:.1f} mm").format(mm=row.distance_mm)
        for column, text in enumerate([row.label, *marks, distance]):
            item = qt.QTableWidgetItem(text)
            if column == len(headings) - 1 and row.distance_mm is not None and row.distance_mm > FAR_MM:
                item.setForeground(qt.QBrush(qt.QColor(status_color("doubtful"))))
            table.setItem(index, column, item)
    for index in selected:
        if index < len(rows):
            table.selectRow(index)
    table.setFixedHeight(ROW_PX * (2 + min(max(len(rows), 2), 7)))
    table.blockSignals(was_blocked)


def _mark(is_picked: bool) -> str:
    return "\N{CHECK MARK}" if is_picked else _("missing")
