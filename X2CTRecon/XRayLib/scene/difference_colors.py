"""The colours of a difference, in films and in volumes."""

from __future__ import annotations

from typing import Any

DIFFERENCE_COLORS = "XRay3D difference"
"""Name of the colour table."""


def difference_colors() -> Any:
    """Blue below zero, black at zero, orange above; made once per scene."""
    import slicer

    node = slicer.mrmlScene.GetFirstNode(DIFFERENCE_COLORS, "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.vtkMRMLColorTableNode()
        node.SetTypeToUser()
        node.SetName(DIFFERENCE_COLORS)
        node.SetHideFromEditors(True)
        node.SetNumberOfColors(256)
        for index in range(256):
            value = (index - 127.5) / 127.5
            color = (value, 0.6 * value, 0.1 * value) if value > 0 else (0.1 * -value, 0.5 * -value, -value)
            node.SetColor(index, *color, 1.0)
        slicer.mrmlScene.AddNode(node)
    return node
