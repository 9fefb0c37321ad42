"""How a re-projection is laid over its film: blended, as contours, as a checkerboard, as the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry import XRayGeometry
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.radiograph_nodes import put_on_detector

CONTOUR_ROLE = "XRay3DContour"
COMPARISON_ROLE = "XRay3DComparison"
CONTOUR_COLOR = (0.15, 1.0, 0.35)
SHORTEST_CONTOUR = 15
"""Pieces, each about a pixel of the re-projection long, below which a line is clutter."""
DIFFERENCE_SCALE = 0.25
"""Part of the film's grey levels at which a difference has its full colour."""
DIFFERENCE_COLORS = "XRay3D difference"
"""Name of the colour table."""


def put_contours(
    zero_on_edges: NDArray[np.floating],
    strength: NDArray[np.floating],
    strongest: float,
    geometry: XRayGeometry,
    film: Any,
    view_node_ids: Sequence[str],
) -> Any:
    """Lines where ``zero_on_edges`` changes its sign, from where they reach ``strongest`` to half of it.

    Both images are (rows, columns) on the detector of ``geometry``. Returns the model node, made once per film.
    """
    import slicer

    node = film.GetNodeReference(CONTOUR_ROLE)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", film.GetName() + " contours")
        node.CreateDefaultDisplayNodes()
        node.SetHideFromEditors(True)
        display = node.GetDisplayNode()
        display.SetColor(*CONTOUR_COLOR)
        display.SetLineWidth(2)
        display.SetSliceIntersectionThickness(2)
        display.SetLighting(False)
        display.SetSliceDisplayModeToProjection()
        display.SetVisibility2D(True)
        film.SetNodeReferenceID(CONTOUR_ROLE, node.GetID())
        write_attributes(node, {"Kind": "contours"})
    node.SetAndObservePolyData(_lines(zero_on_edges, strength, strongest, geometry))
    node.GetDisplayNode().SetViewNodeIDs(list(view_node_ids))
    node.GetDisplayNode().SetVisibility(True)
    return node


def hide_contours(film: Any) -> None:
    """Contours stay in the scene and are not drawn."""
    node = film.GetNodeReference(CONTOUR_ROLE)
    if node is not None:
        node.GetDisplayNode().SetVisibility(False)


def _lines(zero: NDArray[np.floating], strength: NDArray[np.floating], strongest: float, geometry: XRayGeometry) -> Any:
    """The contour in RAS, a millimetre before and behind the detector: the film in 3D hides neither."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

    rows, columns = zero.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(zero, np.float32).ravel(), deep=True))
    contour = vtk.vtkMarchingSquares()
    contour.SetInputData(image)
    contour.SetValue(0, 0.0)
    contour.Update()
    found = contour.GetOutput()
    lines = vtk.vtkPolyData()
    if not found.GetNumberOfPoints():
        return lines
    pixels = vtk_to_numpy(found.GetPoints().GetData())[:, :2].astype(float)
    ends = vtk_to_numpy(found.GetLines().GetConnectivityArray()).reshape(-1, 2)
    nearest = np.rint(pixels).astype(int)
    ends = _long_and_strong(ends, strength[nearest[:, 1], nearest[:, 0]], strongest)
    to_ras = geometry.pixel_to_ras
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    on_detector = pixels @ to_ras[:3, :2].T + to_ras[:3, 3]
    both_sides = np.concatenate([on_detector - geometry.detector_normal, on_detector + geometry.detector_normal])
    points.SetData(numpy_to_vtk(both_sides, deep=True))
    cells.SetData(2, numpy_to_vtkIdTypeArray(np.concatenate([ends, ends + len(pixels)]).ravel(), deep=True))
    lines.SetPoints(points)
    lines.SetLines(cells)
    return lines


def _long_and_strong(ends: NDArray[np.integer], strength: NDArray[np.floating], strongest: float) -> NDArray[np.int64]:
    """Of the line pieces (N, 2) those in a connected line that is strong somewhere and weak nowhere, and not short
    (hysteresis of Canny 1986)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ends = ends[(strength[ends] >= 0.5 * strongest).all(axis=1)]
    size = (len(strength), len(strength))
    _count, line = connected_components(coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), size), False)
    pieces = np.bincount(line[ends[:, 0]], minlength=len(strength))
    peak = np.zeros(len(strength))
    np.maximum.at(peak, line, strength)
    kept = (pieces[line[ends[:, 0]]] >= SHORTEST_CONTOUR) & (peak[line[ends[:, 0]]] >= strongest)
    return np.ascontiguousarray(ends[kept], np.int64)


def put_comparison(image: NDArray[np.floating], on: Any, film: Any, is_difference: bool) -> Any:
    """Checkerboard or difference as an image on the detector of the radiograph ``on``, made once per film."""
    node = put_on_detector(image, on, film.GetName() + " comparison", film.GetNodeReference(COMPARISON_ROLE))
    film.SetNodeReferenceID(COMPARISON_ROLE, node.GetID())
    node.SetHideFromEditors(True)
    write_attributes(node, {"Kind": "comparison"})
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    shown = film.GetDisplayNode()
    if is_difference:
        extent = DIFFERENCE_SCALE * (shown.GetWindowLevelMax() - shown.GetWindowLevelMin())
        display.SetAndObserveColorNodeID(_difference_colors().GetID())
        display.SetWindowLevelMinMax(-extent, extent)
    else:
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
        display.SetWindowLevelMinMax(shown.GetWindowLevelMin(), shown.GetWindowLevelMax())
    return node


def _difference_colors() -> Any:
    """Blue where the film shows less than the CT would, black where they agree, orange where it shows more."""
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
