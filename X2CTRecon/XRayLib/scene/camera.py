"""Where the 3D view looks from."""

from __future__ import annotations

from typing import Any

CAMERA_DISTANCE = 1.9
"""Distance of the camera from the middle, in longest sides of what is looked at."""


def look_at_front(node: Any) -> None:
    """Turn the first 3D view to the front of a volume, head up, and fit it; nothing without a main window."""
    import slicer

    manager = slicer.app.layoutManager()
    if manager is None or manager.threeDViewCount == 0:
        return
    view_node = manager.threeDWidget(0).mrmlViewNode()
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(view_node)
    if camera is None:
        return
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    right, anterior, superior = ((bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3))
    longest = max(bounds[2 * axis + 1] - bounds[2 * axis] for axis in range(3))
    camera.SetFocalPoint(right, anterior, superior)
    camera.SetPosition(right, anterior + CAMERA_DISTANCE * longest, superior + 0.25 * longest)
    camera.SetViewUp(0, 0, 1)
    camera.ResetClippingRange()
