"""``xray3d register`` with a deformation: the file for Slicer and ITK, and ``xray3d evaluate`` on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from film_files import a_ct
from test_register_command import FILMS, run
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, save_volume
from XRayLib.deformation_file import write_deformation_file
from XRayLib.errors import InputError
from XRayLib.mesh import save_mesh
from XRayLib.metrics import DisplacementField, load_displacement_field
from XRayLib.pose_file import read_pose_file

METHOD = "test-deformation"


def a_field(ct: Volume, grid: np.ndarray | None = None) -> DisplacementField:
    """A smooth field of some millimetres on the CT's grid or another."""
    shape = ct.voxels.shape
    phase = np.indices(shape) / np.array(shape).reshape(3, 1, 1, 1)
    vectors = 6 * np.stack([np.sin(3 * phase[0]), np.cos(2 * phase[1] + phase[0]), np.sin(4 * phase[2])], axis=-1)
    return DisplacementField(vectors.astype(np.float32), ct.ijk_to_ras if grid is None else grid)


@pytest.mark.parametrize("name", ["field.nii.gz", "field.mha", "field.nrrd"])
def test_a_written_deformation_is_read_unchanged(tmp_path: Path, name: str) -> None:
    turned = np.array([[0, -3.0, 0, 10], [2, 0, 0, -5], [0, 0, 4, 7], [0, 0, 0, 1]])
    field = a_field(a_ct(), turned)
    write_deformation_file(tmp_path / name, field)
    back = load_displacement_field(tmp_path / name)
    np.testing.assert_allclose(back.vectors_mm, field.vectors_mm, atol=1e-5)
    np.testing.assert_allclose(back.ijk_to_ras, turned, atol=1e-5)


@pytest.mark.parametrize("name", ["field.nii.gz", "field.mha"])
def test_itk_resamples_the_ct_with_the_file_as_the_field_warps_it(tmp_path: Path, name: str) -> None:
    ct = a_ct()
    field = a_field(ct)
    write_deformation_file(tmp_path / name, field)
    save_volume(ct, tmp_path / "ct.nii.gz")
    image = sitk.ReadImage(str(tmp_path / "ct.nii.gz"), sitk.sitkFloat32)
    transform = sitk.DisplacementFieldTransform(sitk.ReadImage(str(tmp_path / name), sitk.sitkVectorFloat64))
    resampled = sitk.GetArrayFromImage(sitk.Resample(image, image, transform, sitk.sitkLinear, -1000.0))
    warped = field.warp(ct).voxels
    inside = np.s_[3:-3, 3:-3, 3:-3]
    assert np.abs(warped - ct.voxels)[inside].max() > 500
    np.testing.assert_allclose(resampled[inside], warped[inside], atol=0.05)


def test_a_field_that_files_cannot_hold_is_refused(tmp_path: Path) -> None:
    ct = a_ct()
    with pytest.raises(InputError, match="name the deformation"):
        write_deformation_file(tmp_path / "field.png", a_field(ct))
    with pytest.raises(InputError, match="check that the folder exists"):
        write_deformation_file(tmp_path / "nowhere" / "field.mha", a_field(ct))
    oblique = np.eye(4)
    oblique[0, 1] = 0.3
    with pytest.raises(InputError, match="oblique"):
        write_deformation_file(tmp_path / "field.mha", a_field(ct, oblique))


def test_register_writes_the_deformation_and_evaluate_measures_it(patient: Path, test_method: str) -> None:
    save_mesh(SurfaceMesh(np.eye(3), np.array([[0, 1, 2]])), patient / "organ.vtp")
    save_volume(Volume(np.full((4, 4, 4), 7, np.float32), np.eye(4), "label"), patient / "labels.nii.gz")
    code, out, err = run(
        *("register", *FILMS, "--method", METHOD, "-o", "x.pose.json", "--deformation", "x.nii.gz"),
        *("--prior-mesh", "organ.vtp", "--labels", "labels.nii.gz", "--json"),
    )
    assert code == 0, err
    told = json.loads(out)
    assert told["files"] == ["x.pose.json", "x.nii.gz"]
    assert told["quality"] == {"folding_fraction": 0.0}
    pose = read_pose_file("x.pose.json")
    assert (pose.provenance["organ"], pose.provenance["labels"]) == (3, 7)
    ct = a_ct()
    truth = DisplacementField(np.broadcast_to(np.float32((-2, -3, -1)), (*ct.voxels.shape, 3)), ct.ijk_to_ras)
    write_deformation_file("truth.nrrd", truth)
    code, out, _ = run("evaluate", "deformation", "--reference", "truth.nrrd", "--result", "x.nii.gz", "--json")
    assert code == 0
    values = json.loads(out)
    assert values["result"]["tre_mm"] == pytest.approx(3, abs=1e-4)
    assert values["result"]["folding_fraction"] == 0
    assert values["baselines"]["identity"]["tre_mm"] == pytest.approx(np.sqrt(14), abs=1e-4)


def test_a_refused_deformation_is_not_written(patient: Path, test_method: str) -> None:
    arguments = ("register", "--ct", "ct.nii.gz", "--view", "dark.nrrd", "--method", METHOD, "-o", "x.pose.json")
    assert run(*arguments, "--deformation", "x.mha")[0] == 3
    assert Path("x.pose.json").exists()
    assert not Path("x.mha").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--method", "test-pose", "--deformable"), "finds a pose only"),
        (("--method", "test-pose", "--deformation", "x.mha"), "--deformable"),
        (("--method", METHOD, "--deformation", "x.tfm"), "name the deformation"),
        (("--method", METHOD, "--deformation", "nowhere/x.mha"), "does not exist"),
        (("--method", METHOD, "--prior-mesh", "absent.vtp"), "absent.vtp"),
        (("--method", METHOD, "--prior-mesh", "absent.vtp", "--prior-label", "l.nii.gz:5"), "Give the organ once"),
    ],
)
def test_contradictions_are_told_before_the_work(patient, test_method, arguments: tuple, words: str) -> None:
    code, _, err = run("register", *FILMS, "-o", "x.pose.json", *arguments)
    assert code == 2
    assert words in err
