"""Numbers on a model's points as colours, with their legend."""

from __future__ import annotations

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


def show_legend(display: Any, title: str) -> Any:
    """The legend of a model's colours in the 3D views; made once per model."""
    import slicer

    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(display)
    legend.SetTitleText(title)
    legend.SetLabelFormat("%.1f")
    legend.SetNumberOfLabels(5)
    legend.SetVisibility2D(False)
    legend.SetVisibility3D(True)
    legend.SetVisibility(True)
    return legend


def hide_legend(display: Any) -> None:
    """No legend, if there is one."""
    import slicer

    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(display)
    if legend is not None:
        legend.SetVisibility(False)
