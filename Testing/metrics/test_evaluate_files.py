"""Comparisons on files, as the command line and the worker make them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from XRayLib.ct import Volume, save_volume
from XRayLib.errors import InputError
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.settings import WorkerSettings
from XRayLib.mesh import save_mesh
from XRayLib.metrics import evaluate_files
from XRayLib.point_file import load_landmarks


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    voxels = np.full((20, 24, 22), -1000, np.float32)
    voxels[3:17, 4:20, 4:18] = 30
    voxels[5:15, 8:16, 6:10] = -900
    path = tmp_path / "ct.nii.gz"
    save_volume(Volume.axis_aligned(voxels, (4, 4, 4)), path)
    return path


def write_pose(path: Path, translation: tuple[float, float, float]) -> Path:
    matrix = np.eye(4)
    matrix[:3, 3] = translation
    path.write_text(json.dumps({"format": "xray3d.pose/1", "ct_to_world": matrix.tolist()}))
    return path


def test_volumes(ct: Path) -> None:
    values = evaluate_files("volume", ct, ct, template=ct)
    assert values["result"]["mae_hu"] == 0
    assert values["baselines"]["template"]["dice_lung"] == 1


def test_labels_need_not_look_like_a_ct(ct: Path, tmp_path: Path) -> None:
    labels = np.zeros((20, 24, 22), np.float32)
    labels[5:15, 8:16, 6:10] = 10
    path = tmp_path / "labels.nii.gz"
    save_volume(Volume.axis_aligned(labels, (4, 4, 4), quantity="label"), path)
    values = evaluate_files("volume", ct, ct, labels=path, result_labels=path)
    assert values["organs"]["lung"]["dice"] == 1


def test_poses(ct: Path, tmp_path: Path) -> None:
    reference, result = write_pose(tmp_path / "r.json", (0, 0, 0)), write_pose(tmp_path / "x.json", (0, 3, 4))
    assert evaluate_files("pose", reference, result, ct=ct)["result"]["mtre_mm"] == pytest.approx(5)
    (tmp_path / "points.csv").write_text("r,a,s\n1,2,3\n")
    values = evaluate_files("pose", reference, result, landmarks=tmp_path / "points.csv", initial=result)
    assert values["targets"] == 1
    assert values["baselines"]["initial"]["mtre_mm"] == pytest.approx(5)


def test_meshes(tmp_path: Path) -> None:
    from test_mesh_metrics import box

    save_mesh(box((0, 0, 0), (30, 30, 30)), tmp_path / "a.vtp")
    save_mesh(box((0, 0, 2), (30, 30, 32)), tmp_path / "b.stl")
    values = evaluate_files("mesh", tmp_path / "a.vtp", tmp_path / "b.stl")
    assert values["result"]["dice"] == pytest.approx(28 / 30, abs=0.02)


def test_deformations(ct: Path, tmp_path: Path) -> None:
    for name, shift in (("a", 0.0), ("b", 2.0)):
        image = sitk.GetImageFromArray(np.full((6, 6, 6, 3), shift), isVector=True)
        sitk.WriteImage(image, str(tmp_path / f"{name}.nrrd"))
    values = evaluate_files("deformation", tmp_path / "a.nrrd", tmp_path / "b.nrrd")
    assert values["result"]["tre_mm"] == pytest.approx(np.sqrt(12))
    with pytest.raises(InputError, match="needed twice"):
        evaluate_files("deformation", tmp_path / "a.nrrd", tmp_path / "b.nrrd", labels=ct)


def test_unknown_kinds_and_options_are_refused(ct: Path) -> None:
    with pytest.raises(InputError, match="choose volume"):
        evaluate_files("colour", ct, ct)
    with pytest.raises(InputError, match="not colour"):
        evaluate_files("volume", ct, ct, colour=1)
    with pytest.raises(InputError, match="list"):
        evaluate_files("volume", ct, ct, views="film.png")


def test_the_worker_evaluates(ct: Path, tmp_path: Path) -> None:
    with WorkerClient(settings=WorkerSettings(temporary_folder=tmp_path / "jobs")) as client:
        values = client.call("evaluate", {"kind": "volume", "reference": str(ct), "result": str(ct)})
        assert values["result"]["mae_hu"] == 0
        assert values["result"]["psnr_3d"] is None  # infinite, which JSON cannot say
        with pytest.raises(InputError):
            client.call("evaluate", {"kind": "volume", "reference": str(ct), "result": str(tmp_path / "none.nii")})


def test_markups_are_read_in_their_own_frame(tmp_path: Path) -> None:
    for system, expected in (("LPS", (-1, -2, 3)), ("RAS", (1, 2, 3))):
        markup = {"type": "Fiducial", "coordinateSystem": system, "controlPoints": [{"position": [1, 2, 3]}]}
        path = tmp_path / f"{system}.mrk.json"
        path.write_text(json.dumps({"markups": [markup]}))
        np.testing.assert_array_equal(load_landmarks(path), [expected])


def test_tables_with_and_without_names(tmp_path: Path) -> None:
    for text in ("r,a,s\n1,2,3\n4,5,6\n", "1, 2, 3\n4, 5, 6\n\n", "1,2,3,first\n4,5,6,second"):
        (tmp_path / "p.csv").write_text(text)
        np.testing.assert_array_equal(load_landmarks(tmp_path / "p.csv"), [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("text", ["", "r,a,s\n", "1,2\n", "1,2,x\n", "nan,1,2\n"])
def test_a_table_without_points_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError):
        load_landmarks(tmp_path / "p.csv")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"markups": [{"controlPoints": [{}]}]}', '{"markups": 3}'])
def test_what_is_no_markups_file_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.mrk.json").write_text(text)
    with pytest.raises(InputError):
        load_landmarks(tmp_path / "p.mrk.json")
