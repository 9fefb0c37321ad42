"""The tables of the sequence section: what came of each frame, and which frame each X-ray belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _
from XRayLib.scene.film_run import frame_of
from XRayLib.scene.panel.status_colors import status_color
from XRayLib.scene.panel.tables import prepare_table
from XRayLib.scene.pose_nodes import PoseRecord

from XRayRegistrationLib.panel_quality import percent_text


def frame_state(record: PoseRecord | None) -> str:
    """What came of a frame, in a few words."""
    if record is None:
        return _("not registered")
    if record.confirmed and not record.moved_since:
        return _("accepted by you")
    if record.moved_since or record.quality is None:
        return _("placed by hand")
    if not record.quality.accepted:
        return _("refused: {reason}").format(reason=record.quality.reason)
    return _("registered, {percent} sure").format(percent=percent_text(record.quality.confidence))


def show_frames(table: Any, views: Sequence[int], found: Sequence[PoseRecord | None], shown: int) -> None:
    """One row per frame; the shown one is selected."""
    prepare_table(table, [_("Frame"), _("X-rays"), _("Pose")], len(views))
    for column in (0, 1):
        table.horizontalHeader().setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
    table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
    table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
    table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    for row, (count, record) in enumerate(zip(views, found, strict=True)):
        for column, text in enumerate((str(row + 1), str(count), frame_state(record))):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            if column == 2 and record is not None and record.quality is not None and not record.quality.accepted:
                item.setForeground(qt.QBrush(qt.QColor(status_color("bad"))))
            table.setItem(row, column, item)
    if 0 <= shown < len(views):
        table.selectRow(shown)
    table.setVisible(len(views) > 1)


def show_film_frames(table: Any, films: Sequence[Any]) -> None:
    """Each X-ray with the number of its frame, which the user can edit."""
    was_blocked = table.blockSignals(True)
    prepare_table(table, [_("X-ray"), _("Frame")], len(films))
    table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
    for row, film in enumerate(films):
        name, number = qt.QTableWidgetItem(film.GetName()), qt.QTableWidgetItem(str(frame_of(film)))
        name.setFlags(qt.Qt.ItemIsEnabled)
        table.setItem(row, 0, name)
        table.setItem(row, 1, number)
    table.setVisible(len(films) > 1)
    table.blockSignals(was_blocked)
