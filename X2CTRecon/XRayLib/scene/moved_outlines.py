"""The outlines, on a film, of all that moves with a CT: lines in each organ's colour, in one model per film."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayLib.case import SurfaceMesh
from XRayLib.scene.film_lines import hide_lines, put_lines
from XRayLib.scene.organ_contours import outline
from XRayLib.scene.organ_source import OrganSource
from XRayLib.scene.radiograph_nodes import film_geometry

MOVED_ROLE = "XRay3DMovedOutlines"
"""Node reference from a film to the model of the lines."""
COLOR_ARRAY = "Color"

Color = tuple[float, float, float]


def visible_organs(node: Any) -> list[OrganSource]:
    """The surfaces that the user sees of a node: a shown model, or the shown segments of a shown segmentation."""
    display = node.GetDisplayNode()
    if display is None or not display.GetVisibility():
        return []
    if node.IsA("vtkMRMLModelNode"):
        return [OrganSource(node)]
    if not node.IsA("vtkMRMLSegmentationNode"):
        return []
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return [OrganSource(node, segment_id) for segment_id in ids if display.GetSegmentVisibility(segment_id)]


def put_moved_outlines(film: Any, organs: Sequence[tuple[SurfaceMesh, Color]], view_node_ids: Sequence[str]) -> Any:
    """Draw the outlines of surfaces (world RAS) with their colours on a film; returns the model node."""
    import slicer
    import vtk

    geometry = film_geometry(film)
    joined = vtk.vtkAppendPolyData()
    joined.AddInputData(vtk.vtkPolyData())
    for mesh, color in organs:
        joined.AddInputData(_colored(outline(mesh, geometry), color))
    joined.Update()
    node = put_lines(film, MOVED_ROLE, "moved outlines", (1.0, 1.0, 1.0), joined.GetOutput(), view_node_ids)
    display = node.GetDisplayNode()
    display.SetActiveScalar(COLOR_ARRAY, vtk.vtkAssignAttribute.POINT_DATA)
    display.SetScalarRangeFlag(slicer.vtkMRMLDisplayNode.UseDirectMapping)
    display.SetScalarVisibility(True)
    return node


def hide_moved_outlines(film: Any) -> None:
    """Draw none on this film."""
    hide_lines(film, MOVED_ROLE)


def _colored(lines: Any, color: Color) -> Any:
    from vtk.util.numpy_support import numpy_to_vtk

    levels = np.tile(np.rint(255 * np.asarray(color)).astype(np.uint8), (lines.GetNumberOfPoints(), 1))
    array = numpy_to_vtk(levels, deep=True)
    array.SetName(COLOR_ARRAY)
    lines.GetPointData().SetScalars(array)
    return lines
