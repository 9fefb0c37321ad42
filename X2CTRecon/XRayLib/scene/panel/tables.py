"""Small tables in the panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ROW_PX = 24
MOST_ROWS = 6


def prepare_table(table: Any, headings: Sequence[str], rows: int) -> None:
    """Headings, and as high as its rows, a few at most: the rest scrolls."""
    table.setColumnCount(len(headings))
    table.setHorizontalHeaderLabels(list(headings))
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    table.horizontalHeader().setStretchLastSection(True)
    table.setRowCount(rows)
    table.setFixedHeight(ROW_PX * (2 + min(max(rows, 1), MOST_ROWS)))
