"""Two volumes compared, as nodes: the difference, a table of metrics, a bar chart of those between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from XRayLib.ct import Volume
from XRayLib.scene.difference_colors import difference_colors
from XRayLib.scene.provenance import STATEMENT, write_attributes
from XRayLib.scene.subject_hierarchy import put_in_folder
from XRayLib.scene.volume_nodes import put_volume

DIFFERENCE_HU = 500.0
"""A difference of so many HU has its full colour."""
METRIC = "Metric"
"""Title of the table's first column."""
BAR_COLORS = ((0.20, 0.45, 0.72), (0.90, 0.55, 0.10), (0.60, 0.60, 0.60), (0.80, 0.80, 0.80))

TITLE_PX, LEGEND_PX = 12, 11
"""Both hold the names of two volumes, in a quarter of the window."""

Row = Mapping[str, Any]
"""``title``, ``values`` by column, ``is_share``: as of XRayLib.metrics.compare_results.MetricRow."""


@dataclass(frozen=True)
class ComparisonNodes:
    """What a comparison became; None where there was nothing to measure."""

    difference: Any
    metrics: Any = None
    chart: Any = None


def put_comparison(difference: Volume | None, rows: Sequence[Row], name: str) -> ComparisonNodes:
    """Add the nodes of one comparison to the scene, in a folder of that name."""
    volume = None if difference is None else _put_difference(difference, f"{name} difference")
    metrics = _put_table(rows, f"{name} metrics") if rows else None
    shares = [row for row in rows if row["is_share"]]
    chart_table = _put_table(shares, f"{name} metrics between 0 and 1") if shares else None
    chart = None if chart_table is None else _put_chart(chart_table, name)
    put_in_folder([node for node in (volume, metrics, chart_table, chart) if node is not None], name)
    return ComparisonNodes(volume, metrics, chart)


def _put_difference(difference: Volume, name: str) -> Any:
    volume = put_volume(difference, name)
    display = volume.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetAndObserveColorNodeID(difference_colors().GetID())
    display.SetWindowLevelMinMax(-DIFFERENCE_HU, DIFFERENCE_HU)
    write_attributes(volume, {"Kind": "difference", "Statement": STATEMENT})
    return volume


def _put_table(rows: Sequence[Row], name: str) -> Any:
    """Numbers in numeric columns, one per candidate; a cell that was not measured is not a number."""
    import slicer
    import vtk

    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", name)
    titles = vtk.vtkStringArray()
    titles.SetName(METRIC)
    for row in rows:
        titles.InsertNextValue(row["title"])
    table.AddColumn(titles)
    for candidate in dict.fromkeys(name for row in rows for name in row["values"]):
        values = vtk.vtkDoubleArray()
        values.SetName(candidate)
        for row in rows:
            values.InsertNextValue(round(row["values"].get(candidate, float("nan")), 3))
        table.AddColumn(values)
    table.SetUseColumnTitleAsColumnHeader(True)
    table.SetLocked(True)
    write_attributes(table, {"Kind": "comparison metrics"})
    return table


def _put_chart(table: Any, name: str) -> Any:
    """A group of bars per metric, one bar per candidate."""
    import slicer

    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{name} chart")
    chart.SetTitle(name)
    chart.SetTitleFontSize(TITLE_PX)
    chart.SetLegendFontSize(LEGEND_PX)
    chart.SetYAxisTitle("0 to 1")
    for index in range(1, table.GetNumberOfColumns()):
        candidate = table.GetColumnName(index)
        series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", candidate)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeBar)
        series.SetLabelColumnName(METRIC)
        series.SetYColumnName(candidate)
        series.SetColor(*BAR_COLORS[(index - 1) % len(BAR_COLORS)])
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return chart
