"""Volumes of organs, planned and now, in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from XRayLib.scene.provenance import write_attributes

TEXTS = ("Organ", "Method", "Frame")
"""Columns that name a row; the same names write over it."""
NUMBERS = {
    "Planned (ml)": "planned_ml",
    "Now (ml)": "now_ml",
    "Difference (ml)": "difference_ml",
    "Moved, mean (mm)": "moved_mean_mm",
    "Moved, most (mm)": "moved_most_mm",
    "Error bar, median (mm)": "deviation_median_mm",
    "Time (s)": "seconds",
}
"""Columns and the measures they show."""


def put_row(table: Any, organ: str, method: str, frame: str, numbers: Mapping[str, float]) -> Any:
    """Write the measures of an organ on one X-ray into its row of ``table``, or of a new table."""
    import slicer

    if table is None:
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Organ volumes")
        write_attributes(table, {"Kind": "organ volumes"})
        for title in (*TEXTS, *NUMBERS):
            table.AddColumn().SetName(title)
    modifying = table.StartModify()
    try:
        row = _row_of(table, (organ, method, frame))
        numbers_text = [f"{numbers[name]:.2f}" if name in numbers else "" for name in NUMBERS.values()]
        for column, text in enumerate((organ, method, frame, *numbers_text)):
            table.SetCellText(row, column, text)
    finally:
        table.EndModify(modifying)
    return table


def rows_of(table: Any) -> list[dict[str, str]]:
    """The rows by the columns' titles."""
    titles = [table.GetColumnName(column) for column in range(table.GetNumberOfColumns())]
    return [
        {title: table.GetCellText(row, column) for column, title in enumerate(titles)}
        for row in range(table.GetNumberOfRows())
    ]


def _row_of(table: Any, names: tuple[str, str, str]) -> int:
    for row in range(table.GetNumberOfRows()):
        if tuple(table.GetCellText(row, column) for column in range(len(TEXTS))) == names:
            return row
    return table.AddEmptyRow()
