"""Numbers as colours, on a model's points or in slices, with their legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

COLORS = "vtkMRMLColorTableNodeFileViridis.txt"


def color_by(display: Any, name: str, values: np.ndarray, highest: float | None = None) -> None:
    """Colour a model by the point array of that name, from 0 to ``highest`` or to where 95 % of the values are."""
    display.SetActiveScalarName(name)
    display.SetActiveAttributeLocation(0)
    display.SetScalarVisibility(True)
    known = display.GetScene().GetNodeByID(COLORS)  # None where the application's files are absent
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeRainbow" if known is None else COLORS)
    if highest is None and len(values):
        highest = float(np.percentile(values, 95))
    display.SetScalarRangeFlag(display.UseManualScalarRange)
    display.SetScalarRange(0.0, highest or 1.0)


def show_legend(display: Any, title: str, slice_view_ids: Sequence[str] = (), label_format: str = "%.1f") -> Any:
    """The legend of a model's or volume's colours in the 3D views, or in these slice views; made once."""
    import slicer

    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(display)
    if legend is None:
        legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(display)
    legend.SetTitleText(title)
    legend.SetLabelFormat(label_format)
    legend.SetNumberOfLabels(5)
    legend.SetViewNodeIDs(list(slice_view_ids))
    legend.SetVisibility2D(bool(slice_view_ids))
    legend.SetVisibility3D(not slice_view_ids)
    legend.SetVisibility(True)
    return legend


def hide_legend(display: Any) -> None:
    """No legend, if there is one."""
    import slicer

    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(display)
    if legend is not None:
        legend.SetVisibility(False)
