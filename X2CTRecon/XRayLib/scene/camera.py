"""Where the 3D view looks from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.geometry import XRayGeometry

CAMERA_DISTANCE = 2.9
"""Distance of the camera from the middle, in its longest sides: it fits a view higher than wide."""
FRONT = np.array([0.0, 1.0, 0.0])


def look_at_front(node: Any) -> None:
    """Turn the first 3D view to the front of a volume, head up, and fit it; nothing without a main window."""
    _look_at(node, FRONT)


def look_past_films(node: Any, geometries: Sequence[XRayGeometry]) -> None:
    """Turn the first 3D view to a volume, head up, from where the X-rays come: the films stand behind it."""
    directions = [_towards_source(geometry, node) for geometry in geometries]
    across = np.sum(directions, axis=0) * [1.0, 1.0, 0.0] if directions else FRONT
    length = np.linalg.norm(across)
    _look_at(node, across / length if length > 0.1 else FRONT)


def _towards_source(geometry: XRayGeometry, node: Any) -> np.ndarray:
    towards = geometry.source_ras_mm - _middle_and_longest(node)[0]
    return towards / np.linalg.norm(towards)


def _middle_and_longest(node: Any) -> tuple[np.ndarray, float]:
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    low, high = np.array(bounds[::2]), np.array(bounds[1::2])
    return (low + high) / 2, float((high - low).max())


def _look_at(node: Any, direction: np.ndarray) -> None:
    import slicer

    manager = slicer.app.layoutManager()
    if manager is None or manager.threeDViewCount == 0:
        return
    view_node = manager.threeDWidget(0).mrmlViewNode()
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(view_node)
    if camera is None:
        return
    middle, longest = _middle_and_longest(node)
    camera.SetFocalPoint(*middle)
    camera.SetPosition(*(middle + longest * (CAMERA_DISTANCE * direction + [0.0, 0.0, 0.25])))
    camera.SetViewUp(0, 0, 1)
    camera.ResetClippingRange()
