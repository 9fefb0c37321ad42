"""Handles on the CT in the views, to drag and turn it with the mouse."""

from __future__ import annotations

from typing import Any

import numpy as np


def show_handles(transform: Any, pivot_mm: np.ndarray, visible: bool) -> None:
    """Show or hide the handles of a pose transform; they turn the CT about ``pivot_mm``, its middle in CT RAS."""
    display = transform.GetDisplayNode()
    if display is None:
        if not visible:
            return
        transform.CreateDefaultDisplayNodes()
        display = transform.GetDisplayNode()
    if not np.allclose(transform.GetCenterOfTransformation(), pivot_mm):
        transform.SetCenterOfTransformation(*(float(value) for value in pivot_mm))
    if bool(display.GetEditorVisibility()) != visible:
        display.SetEditorScalingEnabled(False)
        display.SetEditorVisibility(visible)
        display.SetEditorVisibility3D(visible)
        display.SetEditorSliceIntersectionVisibility(visible)
