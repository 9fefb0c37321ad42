"""A Case and a Result as folders."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from worker_cases import make_radiograph
from XRayLib.case import Case, Landmarks, PointCloud, PoseQuality, Result, SurfaceMesh, View
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.jobs.case_files import read_case, read_result, write_case, write_result
from XRayLib.metrics import DisplacementField


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Fälle von heute"
    folder.mkdir()
    return folder


def full_case() -> Case:
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:5] = True
    ct = Volume(np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.diag([1.0, -2, 3, 1]) + np.eye(4, k=3) * 7, "HU")
    mesh = SurfaceMesh(np.eye(3), np.array([[0, 1, 2]]), {"distance to nerve": np.array([1.0, 2, 3])})
    return Case(
        (
            make_radiograph(mask=mask, calibrated=True, view="PA", source="film", assumptions=("ü",)),
            make_radiograph((3, 2)),
        ),
        ct,
        mesh,
        np.array([[0, -1, 0, 5.0], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]]),
        "chest",
        Landmarks(np.eye(3), np.array([[[1.0, 2], [math.nan, math.nan], [3, 4]]] * 2), ("a", "b", "c")),
        Volume(np.ones((2, 3, 4), np.float32), np.eye(4), "label"),
    )


def assert_same(first: object, second: object) -> None:
    if dataclasses.is_dataclass(first) and not hasattr(first, "ras_to_pixel"):
        assert type(first) is type(second)
        for field in dataclasses.fields(first):
            assert_same(getattr(first, field.name), getattr(second, field.name))
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    elif isinstance(first, tuple | list):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_same(first[key], second[key])
    else:
        assert first == second or (math.isnan(first) and math.isnan(second))


@pytest.mark.parametrize("mapped", [False, True])
def test_a_case_comes_back_unchanged(folder: Path, mapped: bool) -> None:
    case = full_case()
    write_case(folder, case)
    assert_same(case, read_case(folder, mapped=mapped))


def test_the_smallest_case_comes_back_unchanged(folder: Path) -> None:
    write_case(folder, Case(()))
    assert_same(Case(()), read_case(folder))


def test_a_mapped_case_may_be_changed_without_changing_the_file(folder: Path) -> None:
    write_case(folder, full_case())
    read_case(folder, mapped=True).radiographs[0].line_integral[:] = 0
    assert read_case(folder).radiographs[0].line_integral.any()


def full_result(case: Case) -> Result:
    views = (
        View(case.radiographs[0], np.ones((6, 8), np.float32), (2.0, -1.0), 0.5),
        View(make_radiograph((2, 2)), np.zeros((2, 2), np.float32)),
    )
    return Result(
        "some-method",
        volume=case.ct,
        uncertainty=Volume(np.ones((2, 2, 2), np.float32), np.eye(4), "HU_sd"),
        mesh=case.mesh,
        ct_to_world=np.eye(4),
        pose_quality=PoseQuality(
            np.diag(np.arange(6.0)), 0.5, False, "Too dark.", {"ncc": 0.5}, {"search": 1.5}, np.diag([1.0, -1, -1, 1])
        ),
        deformation=DisplacementField(np.arange(72, dtype=np.float32).reshape(2, 3, 4, 3), np.diag([4.0, 5, 6, 1])),
        point_cloud=PointCloud(np.eye(3), np.ones(3)),
        views=views,
        quality={"residual": 0.25, "unknown": math.nan},
        warnings=("Assumed distance.",),
        provenance={"seconds": 1.5, "nested": {"list": [1, "two", None]}},
    )


def test_a_result_comes_back_unchanged(folder: Path) -> None:
    case = full_case()
    result = full_result(case)
    write_result(folder, result, case)
    back = read_result(folder, case)
    assert_same(result, back)
    assert back.views[0].radiograph is case.radiographs[0]


def test_radiographs_of_the_case_are_not_written_again(folder: Path) -> None:
    case = full_case()
    write_result(folder, full_result(case), case)
    assert not (folder / "result_view0.npy").exists()
    assert (folder / "result_view1.npy").exists()


def test_a_result_overwrites_no_file_of_the_mapped_case_that_it_passes_on(folder: Path) -> None:
    write_case(folder, full_case())
    files = {path: path.read_bytes() for path in folder.iterdir()}
    case = read_case(folder, mapped=True)
    result = dataclasses.replace(full_result(case), labels=case.labels)
    write_result(folder, result, case)
    assert {path: path.read_bytes() for path in files} == files
    assert_same(result, read_result(folder, case))


def test_numpy_numbers_and_tuples_in_provenance_become_plain(folder: Path) -> None:
    result = Result("m", provenance={"a": np.float32(1.5), "b": (1, np.int64(2)), "c": math.inf, "d": np.eye(2)})
    write_result(folder, result)
    assert read_result(folder).provenance == {"a": 1.5, "b": [1, 2], "c": None, "d": [[1, 0], [0, 1]]}


class Bomb:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("exploded"),))


def test_a_pickled_array_is_refused_unopened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    write_case(folder, full_case())
    np.save(folder / "ct.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError):
        read_case(folder)
    (folder / "ct.npy").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError):
        read_case(folder)
    assert not (folder / "exploded").exists()


@pytest.mark.parametrize("name", ["../secret.npy", "/etc/passwd", "ct.txt", "a/b.npy", 7, None, "CT.npy"])
def test_array_names_cannot_leave_the_folder(folder: Path, name: object) -> None:
    np.save(folder.parent / "secret.npy", np.zeros((2, 2, 2)))
    write_case(folder, full_case())
    document = json.loads((folder / "case.json").read_text())
    document["ct"]["voxels"] = name
    (folder / "case.json").write_text(json.dumps(document))
    with pytest.raises(InputError):
        read_case(folder)


def test_a_linked_array_is_refused(folder: Path) -> None:
    write_case(folder, full_case())
    (folder / "ct.npy").rename(folder.parent / "elsewhere.npy")
    (folder / "ct.npy").symlink_to(folder.parent / "elsewhere.npy")
    with pytest.raises(InputError):
        read_case(folder)


@pytest.mark.parametrize(
    "damage", ["missing", "not json", "other format", "lacks a key", "wrong type", "truncated array"]
)
def test_a_damaged_folder_is_bad_input(folder: Path, damage: str) -> None:
    write_case(folder, full_case())
    file = folder / "case.json"
    document = json.loads(file.read_text())
    if damage == "missing":
        file.unlink()
    elif damage == "not json":
        file.write_text("{")
    elif damage == "other format":
        file.write_text('{"format": "xray3d.case/2"}')
    elif damage == "lacks a key":
        del document["radiographs"][0]["geometry"]
        file.write_text(json.dumps(document))
    elif damage == "wrong type":
        file.write_text(json.dumps({**document, "radiographs": 7}))
    else:
        (folder / "radiograph0.npy").write_bytes((folder / "radiograph0.npy").read_bytes()[:-8])
    with pytest.raises(InputError):
        read_case(folder)
