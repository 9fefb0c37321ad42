"""A small organ for module tests: a ball, as a surface, a model or a segment, and results that a method may give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from XRayLib.case import Result, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.mesh.isosurface import isosurface

MIDDLE = (15.0, -5.0, 0.0)
RADIUS_MM = 40.0


def a_ball() -> SurfaceMesh:
    """A closed surface of about a thousand vertices about MIDDLE."""
    spacing = RADIUS_MM / 5
    matrix = np.diag([spacing, spacing, spacing, 1.0])
    matrix[:3, 3] = np.array(MIDDLE) - 8 * spacing
    k, j, i = np.indices((17, 17, 17)) - 8
    mesh = isosurface((5 - np.sqrt(i**2 + j**2 + k**2)).astype(np.float32), 0.0, matrix)
    away = mesh.points - MIDDLE
    return SurfaceMesh(MIDDLE + RADIUS_MM * away / np.linalg.norm(away, axis=1, keepdims=True), mesh.triangles)


def a_model(mesh: SurfaceMesh, name: str = "Liver") -> Any:
    """A model node of a surface, brownish and a little transparent."""
    import slicer
    from XRayLib.scene.surface_nodes import poly_data

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", name)
    node.SetAndObservePolyData(poly_data(mesh))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetColor(0.8, 0.4, 0.3)
    node.GetDisplayNode().SetOpacity(0.7)
    return node


def a_segmentation(labels: Volume, values: Mapping[str, int]) -> Any:
    """A segmentation node of a label volume, its segments by name."""
    import slicer
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk
    from XRayLib.scene.matrices import vtk_matrix

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    node.CreateDefaultDisplayNodes()
    for name, value in values.items():
        image = slicer.vtkOrientedImageData()
        image.SetDimensions(*labels.voxels.shape[::-1])
        inside = (labels.voxels == value).astype(np.uint8)
        image.GetPointData().SetScalars(numpy_to_vtk(inside.ravel(), deep=True, array_type=vtk.VTK_UNSIGNED_CHAR))
        image.SetGeometryFromImageToWorldMatrix(vtk_matrix(labels.ijk_to_ras))
        node.AddSegmentFromBinaryLabelmapRepresentation(image, name, [0.7, 0.5, 0.2])
    return node


def a_mesh_result(organ: SurfaceMesh, shift_mm: Sequence[float] = (0, 0, -12), method: str = "organ-mesh") -> Result:
    """The organ moved as a whole, with error bars of 1 to 5 mm."""
    length = float(np.linalg.norm(shift_mm))
    scalars = {
        "displacement_mm": np.full(len(organ.points), length),
        "deviation_mm": np.linspace(1.0, 5.0, len(organ.points)),
    }
    return Result(
        method,
        mesh=SurfaceMesh(organ.points + np.asarray(shift_mm, float), organ.triangles, scalars),
        ct_to_world=np.eye(4),
        quality={"similarity": 0.95, "similarity_before": 0.9},
        warnings=("One film shows no depth.",),
        provenance={"method": method, "seconds": 0.4},
    )
