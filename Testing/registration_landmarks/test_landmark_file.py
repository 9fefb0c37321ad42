"""Landmark pairs from Slicer's files, tables and JSON, paired by name, else by order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from picked import TRUNK, c_arm, pose_near_nominal, seen
from XRayLib.errors import InputError
from XRayLib.landmark_file import load_landmark_pairs
from XRayLib.point_file import read_points

VIEWS = [c_arm(10), c_arm(80, 5)]
SEEN = seen(pose_near_nominal(np.random.default_rng(0)), TRUNK[:4], VIEWS)
NAMES = ("T8", "T12", "rib", "notch")


def markups(path: Path, points: np.ndarray, names: tuple[str, ...], system: str = "LPS") -> Path:
    sign = (-1, -1, 1) if system == "LPS" else (1, 1, 1)
    control = [
        {"id": str(n), "label": name, "position": (point * sign).tolist(), "positionStatus": "defined"}
        for n, (point, name) in enumerate(zip(points, names, strict=True))
    ]
    control.append({"id": "x", "label": "preview", "position": [0, 0, 0], "positionStatus": "undefined"})
    path.write_text(json.dumps({"markups": [{"coordinateSystem": system, "controlPoints": control}]}))
    return path


def on_detector(view: int) -> np.ndarray:
    pixels = np.column_stack([SEEN.pixels[view], np.zeros(4), np.ones(4)])
    return pixels @ VIEWS[view].pixel_to_ras[:3].T


def test_markups_in_the_ct_and_on_the_detectors_are_paired_by_name(tmp_path: Path) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], NAMES)
    order = [2, 0, 1]
    first = markups(tmp_path / "one.mrk.json", on_detector(0)[order], tuple(NAMES[n] for n in order), "RAS")
    second = markups(tmp_path / "two.mrk.json", on_detector(1), NAMES)
    pairs = load_landmark_pairs(ct, VIEWS, [first, second])
    np.testing.assert_allclose(pairs.ct_ras_mm, TRUNK[:4])
    np.testing.assert_allclose(pairs.pixels[1], SEEN.pixels[1], atol=1e-6)
    np.testing.assert_allclose(pairs.pixels[0, :3], SEEN.pixels[0, :3], atol=1e-6)
    assert np.isnan(pairs.pixels[0, 3]).all()
    assert pairs.names == NAMES


def test_a_point_anywhere_on_its_ray_gives_the_pixel(tmp_path: Path) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], NAMES)
    halfway = 0.5 * (on_detector(0) + VIEWS[0].source_ras_mm)
    pairs = load_landmark_pairs(ct, VIEWS[:1], [markups(tmp_path / "film.mrk.json", halfway, NAMES)])
    np.testing.assert_allclose(pairs.pixels[0], SEEN.pixels[0], atol=1e-6)
    behind = 2 * VIEWS[0].source_ras_mm - on_detector(0)
    with pytest.raises(InputError, match="behind the source"):
        load_landmark_pairs(ct, VIEWS[:1], [markups(tmp_path / "behind.mrk.json", behind, NAMES)])


def test_names_of_which_none_is_shared_are_paired_by_order(tmp_path: Path) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], ("F-1", "F-2", "F-3", "F-4"))
    film = markups(tmp_path / "film.mrk.json", on_detector(0), ("X-1", "X-2", "X-3", "X-4"))
    np.testing.assert_allclose(load_landmark_pairs(ct, VIEWS[:1], [film]).pixels[0], SEEN.pixels[0], atol=1e-6)
    fewer = markups(tmp_path / "fewer.mrk.json", on_detector(0)[:3], ("X-1", "X-2", "X-3"))
    with pytest.raises(InputError, match="name them alike"):
        load_landmark_pairs(ct, VIEWS[:1], [fewer])


def test_a_film_point_that_the_ct_lacks_is_named(tmp_path: Path) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], NAMES)
    film = markups(tmp_path / "film.mrk.json", on_detector(0), ("T8", "T12", "rib", "clavicle"))
    with pytest.raises(InputError, match="clavicle"):
        load_landmark_pairs(ct, VIEWS[:1], [film])
    twice = markups(tmp_path / "twice.mrk.json", on_detector(0), ("T8", "T8", "rib", "notch"))
    with pytest.raises(InputError, match="its own"):
        load_landmark_pairs(ct, VIEWS[:1], [twice])


def test_pixels_by_name(tmp_path: Path) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], NAMES)
    (tmp_path / "film.json").write_text(json.dumps({"rib": [10, 20.5], "T8": [30, 40]}))
    pixels = load_landmark_pairs(ct, VIEWS[:1], [tmp_path / "film.json"]).pixels[0]
    np.testing.assert_array_equal(pixels, [[30, 40], [np.nan] * 2, [10, 20.5], [np.nan] * 2])


@pytest.mark.parametrize("text", ["{", "[]", '{"T8": 3}', '{"T8": [1]}', '{"T8": ["a", 2]}', '{"T8": [1, 2, 3]}'])
def test_what_are_no_pixels_is_bad_input(tmp_path: Path, text: str) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], NAMES)
    (tmp_path / "film.json").write_text(text)
    with pytest.raises(InputError):
        load_landmark_pairs(ct, VIEWS[:1], [tmp_path / "film.json"])


def test_everything_in_one_file(tmp_path: Path) -> None:
    points = [
        {"name": "T8", "ct_ras_mm": [1, 2, 3], "pixels": [[10, 20], None]},
        {"name": "T12", "ct_ras_mm": [4, 5, 6], "pixels": [[11, 21], [12, 22]]},
    ]
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps({"format": "xray3d.landmarks/1", "points": points}))
    pairs = load_landmark_pairs(path, VIEWS)
    np.testing.assert_array_equal(pairs.ct_ras_mm, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(pairs.pixels, [[[10, 20], [11, 21]], [[np.nan] * 2, [12, 22]]])
    assert pairs.names == ("T8", "T12")
    with pytest.raises(InputError, match="one per view"):
        load_landmark_pairs(path, VIEWS[:1])
    with pytest.raises(InputError, match="leave out"):
        load_landmark_pairs(path, VIEWS, [path, path])


@pytest.mark.parametrize("points", [3, [{}], [{"ct_ras_mm": [1, 2], "pixels": [None]}], [{"ct_ras_mm": [1, 2, 3]}]])
def test_what_are_no_pairs_is_bad_input(tmp_path: Path, points: object) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"format": "xray3d.landmarks/1", "points": points}))
    with pytest.raises(InputError):
        load_landmark_pairs(tmp_path / "p.json", VIEWS[:1])


def test_a_file_per_film_is_needed_with_markups(tmp_path: Path) -> None:
    ct = markups(tmp_path / "ct.mrk.json", TRUNK[:4], NAMES)
    with pytest.raises(InputError, match="once per view"):
        load_landmark_pairs(ct, VIEWS, [ct])


@pytest.mark.parametrize(
    ("system", "expected"), [("0", (1, 2, 3)), ("RAS", (1, 2, 3)), ("LPS", (-1, -2, 3)), ("1", (-1, -2, 3))]
)
def test_fiducial_lists_of_older_slicers(tmp_path: Path, system: str, expected: tuple) -> None:
    text = (
        f"# Markups fiducial file version = 4.10\n# CoordinateSystem = {system}\n"
        "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
        'vtkMRMLMarkupsFiducialNode_0,1,2,3,0,0,0,1,1,1,0,"T8, left",,\n'
    )
    (tmp_path / "p.fcsv").write_text(text)
    points = read_points(tmp_path / "p.fcsv")
    np.testing.assert_array_equal(points.ras_mm, [expected])
    assert points.names == ("T8, left",)


@pytest.mark.parametrize("text", ["", "# CoordinateSystem = 7\na,1,2,3\n", "a,1,2\n", "a,x,2,3\n"])
def test_what_is_no_fiducial_list_is_bad_input(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.fcsv").write_text(text)
    with pytest.raises(InputError):
        read_points(tmp_path / "p.fcsv")


@pytest.mark.slicer
def test_slicers_own_markups_are_read(tmp_path: Path) -> None:
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from XRayLib.scene.headless_kits import load_slicer

    slicer = load_slicer()
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    for point, name in zip(TRUNK[:4], NAMES, strict=True):
        node.AddControlPoint(*point.tolist(), name)
    for suffix, kind in ((".mrk.json", "Json"), (".fcsv", "Fiducial")):
        storage = getattr(slicer, f"vtkMRMLMarkups{kind}StorageNode")()
        storage.SetFileName(str(tmp_path / f"p{suffix}"))
        assert storage.WriteData(node)
        read = read_points(tmp_path / f"p{suffix}")
        np.testing.assert_allclose(read.ras_mm, TRUNK[:4], atol=1e-3)
        assert read.names == NAMES
