"""A registration's deformation as a grid transform node, between the CT and its pose.

Under the node the CT, models, segmentations and markups are deformed; the node itself is under the pose. Slicer
composes both: first the deformation, which is in CT RAS, then the pose. Both can be hardened and are saved.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from XRayLib.case import Result
from XRayLib.motion import DisplacementField
from XRayLib.scene.matrices import DEFORMATION, array_of, vtk_matrix
from XRayLib.scene.provenance import read_attribute, read_json_attribute, write_attributes
from XRayLib.scene.volume_nodes import put_volume, volume_from_node

STATEMENT = (
    "Research use only. Not a medical device. Motion that the X-rays do not show is what the model of motion expects."
)
_UNCERTAINTY = "XRay3D.uncertainty"
NOT_DEFORMED = Result("", deformation=DisplacementField.identity((2, 2, 2), np.eye(4)))


def put_deformation(result: Result, pose: Any, name: str, node: Any = None) -> Any:
    """Write ``result.deformation`` under the transform node ``pose`` into ``node``, or into a new grid transform."""
    import slicer

    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", name)
    modifying = node.StartModify()
    try:
        _write(result, node)
        node.SetAndObserveTransformNodeID(pose.GetID())
    finally:
        node.EndModify(modifying)
    _put_uncertainty(result, pose, node)
    return node


def nothing_moves() -> Any:
    """A grid transform node, in no scene, that deforms nothing and says nothing."""
    import slicer

    node = slicer.vtkMRMLGridTransformNode()
    node.SetName("No deformation")
    _write(NOT_DEFORMED, node)
    return node


def grid_transform(field: DisplacementField) -> Any:
    """vtkOrientedGridTransform from now to the CT: Slicer's transform *from* parent of a field in RAS."""
    import slicer
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    matrix = np.asarray(field.ijk_to_ras, float)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    directions = np.eye(4)
    directions[:3, :3] = matrix[:3, :3] / spacing
    image = vtk.vtkImageData()
    image.SetDimensions(*field.vectors_mm.shape[2::-1])
    image.SetOrigin(*matrix[:3, 3])
    image.SetSpacing(*spacing)
    vectors = numpy_to_vtk(np.ascontiguousarray(field.vectors_mm, np.float32).reshape(-1, 3), deep=True)
    image.GetPointData().SetScalars(vectors)
    transform = slicer.vtkOrientedGridTransform()
    transform.SetDisplacementGridData(image)
    transform.SetGridDirectionMatrix(vtk_matrix(directions))
    transform.SetInterpolationModeToLinear()
    return transform


def deformation_of(node: Any) -> DisplacementField:
    """The field of a grid transform node."""
    transform = node.GetTransformFromParent()
    transform.Update()
    grid = transform.GetDisplacementGrid()
    from vtk.util.numpy_support import vtk_to_numpy

    vectors = vtk_to_numpy(grid.GetPointData().GetScalars()).reshape(*reversed(grid.GetDimensions()), 3)
    directions = transform.GetGridDirectionMatrix()
    matrix = np.eye(4) if directions is None else array_of(directions)
    matrix[:3, :3] *= grid.GetSpacing()
    matrix[:3, 3] = grid.GetOrigin()
    scale, shift = transform.GetDisplacementScale(), transform.GetDisplacementShift()
    return DisplacementField(np.asarray(vectors, np.float32) * scale + shift, matrix)


def result_of_deformation(node: Any) -> Result:
    """What ``put_deformation`` wrote, as it is now: a later result in the same node does not change it."""
    deviation, field = uncertainty_node(node), deformation_of(node)
    uncertainty = None
    if deviation is not None and deviation.GetImageData() is not None:
        uncertainty = replace(volume_from_node(deviation, in_world=False), quantity="displacement_sd_mm")
    return Result(
        read_attribute(node, "Method"),
        deformation=DisplacementField(field.vectors_mm.copy(), field.ijk_to_ras),
        uncertainty=uncertainty,
        quality=deformation_quality(node),
    )


def deformation_quality(node: Any) -> dict[str, float]:
    """What the registration measured of the deformation; empty for another node."""
    return {} if node is None else read_json_attribute(node, "Quality", {})


def uncertainty_node(node: Any) -> Any:
    """The scalar volume of each point's standard deviation in mm, None when there is none."""
    return node.GetNodeReference(_UNCERTAINTY)


def _write(result: Result, node: Any) -> None:
    node.SetAndObserveTransformFromParent(grid_transform(result.deformation))
    write_attributes(
        node,
        {
            "Kind": DEFORMATION,
            "Method": result.method,
            "Quality": {key: float(value) for key, value in result.quality.items() if np.isfinite(value)},
            "Statement": STATEMENT,
        },
    )


def _put_uncertainty(result: Result, pose: Any, node: Any) -> None:
    volume = uncertainty_node(node)
    if result.uncertainty is None:
        if volume is not None:
            volume.SetAndObserveImageData(None)  # that of another deformation
        return
    volume = put_volume(result.uncertainty, node.GetName() + " SD (mm)", volume)
    write_attributes(volume, {"Kind": "uncertainty", "Method": result.method})
    volume.SetAndObserveTransformNodeID(pose.GetID())
    node.SetNodeReferenceID(_UNCERTAINTY, volume.GetID())
