"""Lines drawn on a film: on its detector, in its own view and in 3D."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry import XRayGeometry
from XRayLib.scene.provenance import read_json_attribute, write_attributes
from XRayLib.scene.radiograph_nodes import nodes_made_for


def put_lines(film: Any, role: str, word: str, color: Sequence[float], lines: Any, view_node_ids: Sequence[str]) -> Any:
    """The model of a film's lines of one kind, made once per film and role; ``lines`` as of ``lines_on_detector``."""
    import slicer

    node = film.GetNodeReference(role)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", f"{film.GetName()} {word}")
        node.CreateDefaultDisplayNodes()
        node.SetHideFromEditors(True)
        display = node.GetDisplayNode()
        display.SetLineWidth(2)
        display.SetSliceIntersectionThickness(2)
        display.SetLighting(False)
        display.SetSliceDisplayModeToProjection()
        display.SetVisibility2D(True)
        film.SetNodeReferenceID(role, node.GetID())
        write_attributes(node, {"Kind": word, "LinesOnFilm": True})
    node.SetAndObservePolyData(lines)
    with slicer.util.NodeModify(node.GetDisplayNode()):  # the views draw once, not for each of these
        node.GetDisplayNode().SetColor(*color)
        node.GetDisplayNode().SetViewNodeIDs(list(view_node_ids))
        node.GetDisplayNode().SetVisibility(True)
    return node


def hide_lines(film: Any, role: str) -> None:
    """The lines stay in the scene and are not drawn."""
    node = film.GetNodeReference(role)
    if node is not None:
        node.GetDisplayNode().SetVisibility(False)


def hide_all_lines(film: Any) -> None:
    """No lines of any kind are drawn on this film, until they are drawn again."""
    for node in nodes_made_for(film):
        if read_json_attribute(node, "LinesOnFilm", False):
            node.GetDisplayNode().SetVisibility(False)


def lines_on_detector(pixels: NDArray[np.floating], ends: NDArray[np.integer], geometry: XRayGeometry) -> Any:
    """vtkPolyData of line pieces (M, 2) between pixels (N, 2) as (column, row).

    A millimetre before and behind the detector: the film in 3D hides neither.
    """
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

    lines, points, cells = vtk.vtkPolyData(), vtk.vtkPoints(), vtk.vtkCellArray()
    if not len(ends):
        lines.SetPoints(points)  # without any VTK's filters report an error
        return lines
    to_ras = geometry.pixel_to_ras
    on_detector = pixels @ to_ras[:3, :2].T + to_ras[:3, 3]
    both_sides = np.concatenate([on_detector - geometry.detector_normal, on_detector + geometry.detector_normal])
    points.SetData(numpy_to_vtk(both_sides, deep=True))
    pieces = np.concatenate([ends, ends + len(pixels)]).ravel().astype(np.int64)
    cells.SetData(2, numpy_to_vtkIdTypeArray(pieces, deep=True))
    lines.SetPoints(points)
    lines.SetLines(cells)
    return lines
