"""Results stand side by side in the scene, but the views show one: outlines of one over slices of another mislead."""

from __future__ import annotations

from typing import Any

from XRayLib.scene.provenance import read_attribute, write_attributes
from XRayLib.scene.tissue_nodes import TISSUES_ROLE
from XRayLib.scene.volume_nodes import is_reconstruction

HIDDEN = "HiddenForAnotherResult"
"""Attribute of tissues that were taken out of the views here and not by the user."""


def show_only(volume: Any) -> None:
    """Take tissues and 3D rendering of every other reconstruction out of the views.

    The tissues of the volume node ``volume`` come back where another result had hidden them.
    """
    import slicer

    tissues = volume.GetNodeReference(TISSUES_ROLE)
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if read_attribute(node, "Kind") != "tissues":
            continue
        if node is tissues and read_attribute(node, HIDDEN):
            node.SetDisplayVisibility(True)
            write_attributes(node, {HIDDEN: ""})
        elif node is not tissues and node.GetDisplayVisibility():
            node.SetDisplayVisibility(False)
            write_attributes(node, {HIDDEN: "yes"})
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        if node is not volume and is_reconstruction(node):
            _end_rendering(node)


def _end_rendering(volume: Any) -> None:
    for index in range(volume.GetNumberOfDisplayNodes()):
        display = volume.GetNthDisplayNode(index)
        if display is not None and display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
            display.SetVisibility(False)
