"""The points of the patient that a network saw on the films, in 3D, coloured by how sure it is of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayLib.case import PointCloud
from XRayLib.scene.provenance import write_attributes
from XRayLib.scene.scalar_display import color_by

DEVIATION = "standard deviation (mm)"


def put_point_cloud(cloud: PointCloud, name: str, node: Any = None) -> Any:
    """Write a cloud into ``node``, or into a new model node; its coordinates are the CT's RAS, so it moves with it."""
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
        node.CreateDefaultDisplayNodes()
        write_attributes(node, {"Kind": "point cloud"})
    node.SetAndObservePolyData(_vertices(cloud))
    display = node.GetDisplayNode()
    display.SetPointSize(4)
    display.SetRepresentation(display.PointsRepresentation)
    display.SetLighting(False)
    display.SetVisibility2D(False)
    color_by(display, DEVIATION, cloud.deviation_mm)
    return node


def _vertices(cloud: PointCloud) -> Any:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

    count = len(cloud.points_ct_ras_mm)
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(cloud.points_ct_ras_mm, float).reshape(-1, 3), deep=True))
    cells.SetData(1, numpy_to_vtkIdTypeArray(np.arange(count, dtype=np.int64), deep=True))
    deviation = numpy_to_vtk(np.ascontiguousarray(cloud.deviation_mm, float), deep=True)
    deviation.SetName(DEVIATION)
    surface = vtk.vtkPolyData()
    surface.SetPoints(points)
    surface.SetVerts(cells)
    surface.GetPointData().SetScalars(deviation)
    return surface
