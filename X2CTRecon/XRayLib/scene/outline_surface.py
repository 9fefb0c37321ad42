"""An organ's surface as its outline on a film is made from: coarse enough to follow a moving pose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean
from XRayLib.errors import InputError
from XRayLib.scene.organ_source import OrganSource
from XRayLib.scene.surface_nodes import surface_mesh

MOST_TRIANGLES = 20000
"""A finer surface is thinned out to about so many."""
BLOCK_MM = 2.0
"""Side of the blocks that a segment without a surface is averaged over: they smooth the steps between its voxels."""


def outline_surface(source: OrganSource) -> SurfaceMesh:
    """The triangles of a model or segment in its node's own RAS, about MOST_TRIANGLES at most; none of an empty one."""
    surface, place = source.surface, np.eye(4)
    if surface is None:
        try:
            labels = source.labels
        except InputError:
            labels = None
        if labels is None:
            return SurfaceMesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
        surface, place = _surface_of_voxels(labels)
    return surface_mesh(_thinned(surface), place)


def in_world(mesh: SurfaceMesh, node: Any) -> SurfaceMesh:
    """A surface in a node's own RAS where the transforms above the node put it, linear or not."""
    import slicer
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    above = node.GetParentTransformNode()
    if above is None or not len(mesh.points):
        return mesh
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(above, None, to_world)
    here, there = vtk.vtkPoints(), vtk.vtkPoints()
    here.SetData(numpy_to_vtk(np.ascontiguousarray(mesh.points, np.float64), deep=True))
    there.SetDataTypeToDouble()
    to_world.TransformPoints(here, there)
    return SurfaceMesh(vtk_to_numpy(there.GetData()).copy(), mesh.triangles)


def _surface_of_voxels(labels: Volume) -> tuple[Any, NDArray[np.float64]]:
    """vtkPolyData in the indices of the blocks, and the (4, 4) from these to RAS."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    blocks = block_mean(labels, BLOCK_MM)
    shares = np.pad(blocks.voxels, 1)
    image = vtk.vtkImageData()
    image.SetDimensions(*shares.shape[::-1])
    image.SetOrigin(-1.0, -1.0, -1.0)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(shares, np.float32).ravel(), deep=True))
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, 0.5)
    edges.Update()
    return edges.GetOutput(), blocks.ijk_to_ras


def _thinned(surface: Any) -> Any:
    """The surface with about MOST_TRIANGLES triangles, when it has more."""
    import vtk

    if surface.GetNumberOfPolys() <= MOST_TRIANGLES:
        return surface
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputData(surface)
    triangles.Update()
    measured = vtk.vtkMassProperties()
    measured.SetInputConnection(triangles.GetOutputPort())
    clustered = vtk.vtkQuadricClustering()
    clustered.SetInputConnection(triangles.GetOutputPort())
    cell = np.sqrt(2 * measured.GetSurfaceArea() / MOST_TRIANGLES)  # a cell that the surface crosses holds about two
    sides = np.ptp(np.reshape(surface.GetBounds(), (3, 2)), axis=1)
    clustered.AutoAdjustNumberOfDivisionsOff()
    clustered.SetNumberOfDivisions(*(max(1, int(np.ceil(side / cell))) for side in sides))
    clustered.Update()
    return clustered.GetOutput()
