"""A pose written is the pose read, in this project's file and in those of ITK and Slicer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_cases import a_case, a_result, random_pose
from XRayLib.errors import InputError
from XRayLib.metrics import evaluate_files
from XRayLib.pose_file import pose_document, read_pose, read_pose_file, write_pose_file
from XRayLib.transform_file import read_transform_file, write_transform_file

MOVED = random_pose(4)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    case, result = a_case(), a_result(MOVED)
    write_pose_file(tmp_path / "x.pose.json", result, case, ["one.dcm", "two.dcm"])
    read = read_pose_file(tmp_path / "x.pose.json")
    np.testing.assert_array_equal(read.ct_to_world, MOVED)
    np.testing.assert_array_equal(read.covariance_mm_rad, result.pose_quality.covariance_mm_rad)
    np.testing.assert_array_equal(read.initial_ct_to_world, np.eye(4))
    assert (read.confidence, read.accepted, read.reason) == (0.25, False, "Depth is uncertain.")
    assert read.similarity == {"ncc": 0.9}
    assert read.provenance["method"] == "tiny"
    assert [view.image for view in read.views] == ["one.dcm", "two.dcm"]


def test_a_view_projects_points_of_the_ct_in_its_own_ras() -> None:
    case = a_case()
    document = pose_document(a_result(MOVED), case)
    point = np.array([10.0, -20.0, 30.0, 1.0])
    for view, film in zip(document["views"], case.radiographs, strict=True):
        column, row, depth = np.array(view["ct_ras_to_pixel"]) @ point
        np.testing.assert_allclose([[column / depth, row / depth]], film.geometry.project((MOVED @ point)[:3]))


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    covariance = np.eye(6)
    covariance[0, 0] = np.inf
    write_pose_file(tmp_path / "x.json", a_result(MOVED, covariance_mm_rad=covariance, confidence=np.nan), a_case())
    assert "NaN" not in (tmp_path / "x.json").read_text()
    read = read_pose_file(tmp_path / "x.json")
    assert read.covariance_mm_rad is None
    assert read.confidence is None


def test_a_result_without_a_pose_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no pose"):
        write_pose_file(tmp_path / "x.json", a_result(None), a_case())


GOOD = {"format": "xray3d.pose/1", "ct_to_world": np.eye(4).tolist()}


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "7",
        "[]",
        "1 2 3",
        "",
        {"ct_to_world": np.eye(4).tolist()},
        {"format": "xray3d.pose/2", "ct_to_world": np.eye(4).tolist()},
        {"format": "xray3d.pose/1"},
        GOOD | {"ct_to_world": "x"},
        GOOD | {"ct_to_world": np.diag([2.0, 1, 1, 1]).tolist()},
        GOOD | {"ct_to_world": np.diag([-1.0, 1, 1, 1]).tolist()},
        GOOD | {"covariance_mm_rad": np.eye(3).tolist()},
        GOOD | {"covariance_mm_rad": (-np.eye(6)).tolist()},
        GOOD | {"covariance_mm_rad": np.triu(np.ones((6, 6))).tolist()},
        GOOD | {"confidence": 2},
        GOOD | {"confidence": "high"},
        GOOD | {"accepted": "yes"},
        GOOD | {"views": [{}]},
        GOOD | {"views": 3},
        GOOD | {"seconds": {"search": "long"}},
        GOOD | {"provenance": 3},
    ],
)
def test_what_is_no_pose_file_is_bad_input(tmp_path: Path, document: object) -> None:
    (tmp_path / "p.json").write_text(document if isinstance(document, str) else json.dumps(document))
    for read in (read_pose_file, read_pose):
        with pytest.raises(InputError):
            read(tmp_path / "p.json")


def test_a_file_that_is_absent_is_bad_input(tmp_path: Path) -> None:
    for name in ("absent.pose.json", "absent.tfm", "absent.txt"):
        with pytest.raises(InputError):
            read_pose(tmp_path / name)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), suffix=st.sampled_from([".tfm", ".h5", ".mat"]))
def test_a_transform_file_gives_the_pose_back(tmp_path_factory, seed: int, suffix: str) -> None:
    path, pose = tmp_path_factory.mktemp("transform") / f"pose{suffix}", random_pose(seed)
    write_transform_file(path, pose)
    np.testing.assert_allclose(read_transform_file(path), pose, atol=1e-9)
    np.testing.assert_allclose(read_pose(path), pose, atol=1e-9)


def test_itk_resamples_the_ct_to_where_the_pose_puts_it(tmp_path: Path) -> None:
    """One bright voxel, moved by the file: ITK finds it at ct_to_world times its place."""
    image = sitk.Image(40, 40, 40, sitk.sitkFloat32)
    image.SetSpacing((2.0, 2.0, 2.0))
    image.SetOrigin((-40.0, -40.0, -40.0))
    image[27, 14, 22] = 1000.0
    bright_lps = np.array(image.TransformIndexToPhysicalPoint((27, 14, 22)))
    pose = random_pose(7, shift_mm=8.0, turn_rad=0.2)
    write_transform_file(tmp_path / "pose.tfm", pose)
    moved = sitk.Resample(image, sitk.ReadTransform(str(tmp_path / "pose.tfm")), sitk.sitkLinear)
    weight = sitk.GetArrayFromImage(moved)
    k, j, i = (np.average(index, weights=weight) for index in np.indices(weight.shape))
    found_lps = np.array(moved.TransformContinuousIndexToPhysicalPoint((i, j, k)))
    expected_ras = pose @ [*(bright_lps * (-1, -1, 1)), 1]
    np.testing.assert_allclose(found_lps * (-1, -1, 1), expected_ras[:3], atol=0.3)


@pytest.mark.slicer
def test_slicer_loads_the_transform_as_the_pose(tmp_path: Path) -> None:
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    from XRayLib.scene.headless_kits import load_slicer

    slicer = load_slicer()
    write_transform_file(tmp_path / "pose.tfm", MOVED)
    scene, storage = slicer.vtkMRMLScene(), slicer.vtkMRMLTransformStorageNode()
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    storage.SetFileName(str(tmp_path / "pose.tfm"))
    assert storage.ReadData(node)
    loaded = node.GetMatrixTransformToParent()
    np.testing.assert_allclose([[loaded.GetElement(r, c) for c in range(4)] for r in range(4)], MOVED, atol=1e-9)


def test_a_composite_transform_is_read(tmp_path: Path) -> None:
    first, second = random_pose(1), random_pose(2)
    for name, pose in (("a.tfm", first), ("b.tfm", second)):
        write_transform_file(tmp_path / name, pose)
    both = sitk.CompositeTransform([sitk.ReadTransform(str(tmp_path / name)) for name in ("a.tfm", "b.tfm")])
    sitk.WriteTransform(both, str(tmp_path / "both.tfm"))
    np.testing.assert_allclose(read_pose(tmp_path / "both.tfm"), second @ first, atol=1e-9)


def test_a_transform_that_is_not_rigid_is_bad_input(tmp_path: Path) -> None:
    sitk.WriteTransform(sitk.ScaleTransform(3, (1.5, 1, 1)), str(tmp_path / "scale.tfm"))
    sitk.WriteTransform(sitk.Euler2DTransform(), str(tmp_path / "flat.tfm"))
    sitk.WriteTransform(
        sitk.DisplacementFieldTransform(sitk.Image([4, 4, 4], sitk.sitkVectorFloat64)), str(tmp_path / "field.h5")
    )
    (tmp_path / "broken.tfm").write_text("#Insight Transform File V1.0\n")
    for name in ("scale.tfm", "flat.tfm", "field.h5", "broken.tfm"):
        with pytest.raises(InputError):
            read_pose(tmp_path / name)
    with pytest.raises(InputError, match="name the transform"):
        write_transform_file(tmp_path / "pose.png", MOVED)


def test_sixteen_numbers_are_a_pose_in_ras(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(MOVED.tolist()))
    (tmp_path / "rows.txt").write_text("\n".join(" ".join(repr(float(x)) for x in row) for row in MOVED))
    (tmp_path / "itk.txt").write_text("#Insight Transform File V1.0\n")
    for name in ("rows.json", "rows.txt"):
        np.testing.assert_array_equal(read_pose(tmp_path / name), MOVED)


def test_a_result_is_evaluated_against_a_transform_of_slicer(tmp_path: Path) -> None:
    write_pose_file(tmp_path / "result.pose.json", a_result(MOVED), a_case())
    shifted = MOVED.copy()
    shifted[:3, 3] += (0, 3, 4)
    write_transform_file(tmp_path / "true.tfm", shifted)
    (tmp_path / "points.csv").write_text("r,a,s\n1,2,3\n40,5,6\n")
    values = evaluate_files(
        "pose",
        tmp_path / "true.tfm",
        tmp_path / "result.pose.json",
        landmarks=tmp_path / "points.csv",
        initial=tmp_path / "true.tfm",
    )
    assert values["result"]["mtre_mm"] == pytest.approx(5)
    assert values["result"]["rotation_deg"] == pytest.approx(0, abs=1e-6)
    assert values["baselines"]["initial"]["mtre_mm"] == pytest.approx(0, abs=1e-9)
