"""A deformation in the scene: the grid transform does to points and models what the field and the pose do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import SimpleITK as sitk
import slicer
import vtk
from XRayLib.case import Result
from XRayLib.ct import Volume
from XRayLib.deformation_file import write_deformation_file
from XRayLib.errors import InputError
from XRayLib.motion import DisplacementField
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.scene.deformation_nodes import (
    deformation_of,
    deformation_quality,
    grid_transform,
    put_deformation,
    uncertainty_node,
)
from XRayLib.scene.matrices import local_to_world, pose_above, vtk_matrix
from XRayLib.scene.volume_nodes import put_volume

pytestmark = [pytest.mark.slicer, pytest.mark.usefixtures("session")]

POSE = motion_from_twist([0.3, -0.2, 0.4, 20.0, -30.0, 10.0], (5.0, 5.0, 5.0))
GRID = np.array([[0, -6.0, 0, 70], [5, 0, 0, -60], [0, 0, 7, -65], [0, 0, 0, 1]])
"""Turned axes and three spacings, so that no confusion of axes goes unseen."""


def a_field() -> DisplacementField:
    points = DisplacementField.identity((20, 25, 22), GRID).voxel_points()
    waves = [
        8 * np.sin(points[..., 2] / 30),
        5 * np.cos(points[..., 0] / 25),
        10 * np.exp(-((points / 40) ** 2).sum(-1)),
    ]
    return DisplacementField(np.stack(waves, axis=-1).astype(np.float32), GRID)


def a_result(field: DisplacementField) -> Result:
    deviation = Volume(np.ones(field.vectors_mm.shape[:3], np.float32), GRID, "displacement_sd_mm")
    return Result(
        "deformable", ct_to_world=POSE, deformation=field, uncertainty=deviation, quality={"jacobian_min": 0.5}
    )


def a_pose():
    pose = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Pose")
    pose.SetMatrixTransformToParent(vtk_matrix(POSE))
    return pose


def a_model(points: np.ndarray):
    data = vtk.vtkPoints()
    for point in points:
        data.InsertNextPoint(*point)
    surface = vtk.vtkPolyData()
    surface.SetPoints(data)
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Organ")
    model.SetAndObservePolyData(surface)
    return model


def points_of(model) -> np.ndarray:
    data = model.GetPolyData().GetPoints()
    return np.array([data.GetPoint(n) for n in range(data.GetNumberOfPoints())])


def test_a_node_holds_the_field() -> None:
    field = a_field()
    back = deformation_of(put_deformation(a_result(field), a_pose(), "Deformation"))
    np.testing.assert_allclose(back.vectors_mm, field.vectors_mm, atol=1e-5)
    np.testing.assert_allclose(back.ijk_to_ras, GRID, atol=1e-9)


def test_a_model_is_deformed_then_posed_and_can_be_hardened() -> None:
    field = a_field()
    node = put_deformation(a_result(field), a_pose(), "Deformation")
    in_ct = np.random.default_rng(0).uniform(-35, 35, (30, 3))
    model = a_model(in_ct)
    model.SetAndObserveTransformNodeID(node.GetID())
    model.HardenTransform()
    now = field.moved(in_ct)
    assert np.linalg.norm(now - in_ct, axis=1).max() > 5
    np.testing.assert_allclose(points_of(model), now @ POSE[:3, :3].T + POSE[:3, 3], atol=0.05)


def test_the_pose_of_what_is_deformed_is_the_rigid_part() -> None:
    pose = a_pose()
    node = put_deformation(a_result(a_field()), pose, "Deformation")
    model = a_model(np.zeros((1, 3)))
    model.SetAndObserveTransformNodeID(node.GetID())
    np.testing.assert_allclose(local_to_world(model), POSE)
    assert pose_above(model) is pose
    foreign = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode", "Made by hand")
    foreign.SetAndObserveTransformFromParent(grid_transform(a_field()))
    model.SetAndObserveTransformNodeID(foreign.GetID())
    with pytest.raises(InputError, match="non-linear"):
        local_to_world(model)


def test_a_second_registration_writes_into_the_same_nodes() -> None:
    pose, field = a_pose(), a_field()
    node = put_deformation(a_result(field), pose, "Deformation")
    count = slicer.mrmlScene.GetNumberOfNodes()
    twice = DisplacementField(0.5 * field.vectors_mm, GRID)
    assert put_deformation(a_result(twice), pose, "Deformation", node) is node
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    np.testing.assert_allclose(deformation_of(node).vectors_mm, twice.vectors_mm, atol=1e-5)
    assert deformation_quality(node) == {"jacobian_min": 0.5}
    assert slicer.util.arrayFromVolume(uncertainty_node(node)).mean() == 1


def test_a_saved_scene_comes_back_deformed(session, tmp_path: Path) -> None:
    field = a_field()
    node = put_deformation(a_result(field), a_pose(), "Deformation")
    ct = put_volume(Volume(np.zeros((4, 5, 6), np.float32), np.eye(4)), "CT")
    ct.SetAndObserveTransformNodeID(node.GetID())
    session.save_scene(tmp_path / "scene.mrb")
    session.clear()
    session.load_scene(tmp_path / "scene.mrb")
    back = slicer.util.getNode("Deformation")
    np.testing.assert_allclose(deformation_of(back).vectors_mm, field.vectors_mm, atol=1e-3)
    np.testing.assert_allclose(local_to_world(slicer.util.getNode("CT")), POSE, atol=1e-6)
    assert uncertainty_node(back).GetName() == "Deformation SD (mm)"


def test_slicer_loads_the_file_as_this_node(tmp_path: Path) -> None:
    """What Slicer's reader makes of a displacement image: LPS vectors of the transform from parent, in RAS."""
    field = a_field()
    write_deformation_file(tmp_path / "field.nii.gz", field)
    image = sitk.ReadImage(str(tmp_path / "field.nii.gz"), sitk.sitkVectorFloat64)
    itk = sitk.DisplacementFieldTransform(image)
    from_parent = grid_transform(field)
    to_ras = np.array([-1, -1, 1])
    for point in np.random.default_rng(1).uniform(-35, 35, (20, 3)):
        np.testing.assert_allclose(
            np.array(itk.TransformPoint((point * to_ras).tolist())) * to_ras,
            from_parent.TransformPoint(point.tolist()),
            atol=1e-4,
        )
