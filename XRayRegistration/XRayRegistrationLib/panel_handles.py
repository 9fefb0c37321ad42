"""Handles on the CT in the views, to drag and turn it with the mouse."""

from __future__ import annotations

from typing import Any

import numpy as np

HANDLE_PERCENT = 6.0
"""Size of the handles relative to the view: the contours under them must stay visible."""


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
        display.SetInteractionScalePercent(HANDLE_PERCENT)
        display.SetEditorVisibility(visible)
        display.SetEditorVisibility3D(visible)
        display.SetEditorSliceIntersectionVisibility(visible)
