"""Triangle surfaces between models and ``SurfaceMesh``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh


def poly_data(mesh: SurfaceMesh) -> Any:
    """vtkPolyData of a surface with its scalars and normals; triangles run counter-clockwise seen from outside."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

    from XRayLib.mesh.surface_graph import vertex_normals

    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(mesh.points, np.float64), deep=True))
    triangles = np.ascontiguousarray(mesh.triangles, np.int64)
    cells.SetData(3, numpy_to_vtkIdTypeArray(triangles.ravel(), deep=True))
    surface = vtk.vtkPolyData()
    surface.SetPoints(points)
    surface.SetPolys(cells)
    normals = numpy_to_vtk(np.ascontiguousarray(vertex_normals(mesh.points, triangles), np.float32), deep=True)
    normals.SetName("Normals")
    surface.GetPointData().SetNormals(normals)
    for name, values in mesh.scalars.items():
        array = numpy_to_vtk(np.ascontiguousarray(values, np.float64), deep=True)
        array.SetName(name)
        surface.GetPointData().AddArray(array)
    return surface


def surface_mesh(surface: Any, to_ras: NDArray[np.float64]) -> SurfaceMesh:
    """The triangles of a vtkPolyData, moved by ``to_ras`` (4, 4); points that lie on each other become one when the
    surface is not closed without."""
    import vtk

    from XRayLib.metrics.mesh_solid import is_closed

    triangulate = vtk.vtkTriangleFilter()
    triangulate.SetInputData(surface)
    triangulate.PassLinesOff()
    triangulate.PassVertsOff()
    triangulate.Update()
    mesh = _mesh_of(triangulate.GetOutput(), to_ras)
    if len(mesh.triangles) == 0 or is_closed(mesh):
        return mesh
    clean = vtk.vtkCleanPolyData()
    clean.SetInputConnection(triangulate.GetOutputPort())
    clean.Update()
    return _mesh_of(clean.GetOutput(), to_ras)


def _mesh_of(surface: Any, to_ras: NDArray[np.float64]) -> SurfaceMesh:
    from vtk.util.numpy_support import vtk_to_numpy

    if surface.GetNumberOfPoints() == 0 or surface.GetNumberOfPolys() == 0:
        return SurfaceMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64)
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)
    return SurfaceMesh(points @ to_ras[:3, :3].T + to_ras[:3, 3], triangles)
