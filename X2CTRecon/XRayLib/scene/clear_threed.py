"""The 3D view beside the films: without the box that would cross the patient, with a figure that shows the front."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.provenance import PREFIX, read_json_attribute, write_attributes

KEPT = "UsersView"
"""Attribute of the view node: what the user had shown."""


def clear_threed_view() -> None:
    """Hide box and axis labels of the first 3D view, show its orientation marker; nothing without a main window."""
    node = _view_node()
    if node is None or read_json_attribute(node, KEPT) is not None:
        return
    marker = [node.GetOrientationMarkerType(), node.GetOrientationMarkerSize()]
    write_attributes(node, {KEPT: [node.GetBoxVisible(), node.GetAxisLabelsVisible(), *marker]})
    _show(node, False, False, node.OrientationMarkerTypeHuman, node.OrientationMarkerSizeSmall)


def give_back_threed_view() -> None:
    """Show again what the user had shown, when it was taken away."""
    node = _view_node()
    shown = None if node is None else read_json_attribute(node, KEPT)
    if shown is not None:
        node.RemoveAttribute(PREFIX + KEPT)
        _show(node, *shown)


def _view_node() -> Any:
    import slicer

    manager = slicer.app.layoutManager()
    return None if manager is None or manager.threeDViewCount == 0 else manager.threeDWidget(0).mrmlViewNode()


def _show(node: Any, box: bool, labels: bool, marker: int, marker_size: int) -> None:
    node.SetBoxVisible(box)
    node.SetAxisLabelsVisible(labels)
    node.SetOrientationMarkerType(marker)
    node.SetOrientationMarkerSize(marker_size)
