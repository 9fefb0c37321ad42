"""What commands read and write: nothing is lost or mixed up, and what cannot be done is told before the work."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner
from XRayLib.case import Case, SurfaceMesh
from XRayLib.case_checks import check_films_differ, check_lies_in_ct
from XRayLib.cli.app import app
from XRayLib.cli.batch import check_reachable, in_order, read_cases, unknown_columns
from XRayLib.cli.reconstruct import load_case
from XRayLib.ct import Volume, load_ct, save_volume
from XRayLib.errors import InputError
from XRayLib.geometry import assumed_film_geometry
from XRayLib.mesh import organ_template
from XRayLib.motion.displacement_file import load_displacement_field
from XRayLib.radiograph import Radiograph, load_radiograph
from XRayLib.radiograph.view_argument import parse_view_argument


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


def a_box() -> Volume:
    voxels = np.full((24, 24, 24), -1000, np.float32)
    voxels[4:20, 4:20, 4:20] = 0
    voxels[8:16, 10:13, 10:13] = 700
    return Volume.axis_aligned(voxels, (6.0, 6.0, 6.0), (0.0, 0.0, 0.0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with ct.nii.gz and the films pa.nrrd and lateral.nrrd of it."""
    monkeypatch.chdir(tmp_path)
    save_volume(a_box(), tmp_path / "ct.nii.gz")
    for name, angle in (("pa", 0), ("lateral", 90)):
        code, told = run("simulate", "ct.nii.gz", "-o", f"{name}.nrrd", "--size", "64,64", "--primary-angle", angle)
        assert code == 0, told
    return tmp_path


# Files that readers beautify


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.nrrd"])
def test_a_ct_with_values_that_are_no_numbers_is_refused(tmp_path: Path, name: str) -> None:
    voxels = a_box().voxels.copy()
    voxels[0, 0, :5] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(tmp_path / name))
    with pytest.raises(InputError, match="not numbers"):
        load_ct(tmp_path / name)


def test_so_is_a_film_and_a_displacement_field(tmp_path: Path) -> None:
    film = np.ones((40, 40), np.float32)
    film[3, 3] = np.inf
    sitk.WriteImage(sitk.GetImageFromArray(film), str(tmp_path / "film.nii.gz"))
    with pytest.raises(InputError, match="not numbers"):
        load_radiograph(tmp_path / "film.nii.gz", "pa")
    field = np.zeros((4, 4, 4, 3), np.float32)
    field[1, 1, 1, 0] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(field, isVector=True), str(tmp_path / "field.nii.gz"))
    with pytest.raises(InputError, match="not numbers"):
        load_displacement_field(tmp_path / "field.nii.gz")


@pytest.mark.parametrize(
    ("at", "format_", "words"),
    [((80, 84, 88), "<f", "size of its voxels"), ((252, 254), "<h", "how its voxels lie")],
)
def test_a_ct_that_does_not_say_how_large_or_where_it_is_is_refused(
    tmp_path: Path, at: tuple[int, ...], format_: str, words: str
) -> None:
    path = tmp_path / "ct.nii"
    save_volume(a_box(), path)
    load_ct(path)
    content = bytearray(path.read_bytes())
    for place in at:
        struct.pack_into(format_, content, place, 0)
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=words):
        load_ct(path)


def test_values_of_dicom_are_not_scaled_by_what_was_written_for_another_image(folder: Path) -> None:
    run("simulate", "ct.nii.gz", "-o", "s.dcm", "--size", "64,64")
    before = load_radiograph(folder / "s.dcm").line_integral
    run("simulate", "ct.nii.gz", "-o", "s.png", "--size", "64,64")
    np.testing.assert_allclose(load_radiograph(folder / "s.dcm").line_integral, before)
    picture = load_radiograph(folder / "s.png")
    run("simulate", "ct.nii.gz", "-o", "s.dcm", "--size", "64,64")
    np.testing.assert_array_equal(load_radiograph(folder / "s.png").line_integral, picture.line_integral)
    assert picture.calibrated


# Outputs


def test_nothing_that_is_read_is_written_over(folder: Path) -> None:
    for arguments in (
        ("simulate", "ct.nii.gz", "-o", "ct.nii.gz"),
        ("reconstruct", "--view", "pa.nrrd", "--method", "sart", "-o", "pa.nrrd"),
        ("reconstruct", "--view", "pa.nrrd", "--method", "sart", "--prior-ct", "ct.nii.gz", "-o", "./ct.nii.gz"),
    ):
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        code, told = run(*arguments)
        assert code == 2
        assert "is read by this command" in told
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("-o", "v.nii.gz", "--labels", "v.nii.gz"), "written twice"),
        (("-o", "v.nii.gz", "--report", "pa.nrrd"), "name a folder for the report"),
        (("-o", "v.nii.gz", "--report", "nowhere/r.pdf"), "does not exist: create it first"),
        (("-o", "v.nii.gz", "--initial", "pa.nrrd"), "--prior-ct"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(folder: Path, more: tuple[str, ...], words: str) -> None:
    code, told = run("reconstruct", "--view", "pa.nrrd", "--method", "sart", *more)
    assert code == 2
    assert words in told
    assert not (folder / "v.nii.gz").exists()


def test_a_method_without_tissues_leaves_no_half_of_the_output(folder: Path) -> None:
    code, told = run(
        *("reconstruct", "--view", "pa.nrrd", "--method", "sart", "-o", "v.nii.gz", "--labels", "l.nii.gz")
    )
    assert code == 2
    assert "tells no tissues" in told
    assert not (folder / "v.nii.gz").exists()


def test_organs_are_not_passed_over_by_a_rigid_registration(folder: Path) -> None:
    code, told = run("register", "--ct", "ct.nii.gz", "--view", "pa.nrrd", "-o", "p.json", "--labels", "ct.nii.gz")
    assert code == 2
    assert "--deformable" in told


def test_labels_of_the_result_alone_are_not_passed_over(folder: Path) -> None:
    code, told = run(
        *("evaluate", "volume", "--reference", "ct.nii.gz", "--result", "ct.nii.gz", "--result-labels", "ct.nii.gz")
    )
    assert code == 2
    assert "--labels" in told


def test_a_transform_that_is_not_there_is_told_so(folder: Path) -> None:
    code, told = run("register", "--ct", "ct.nii.gz", "--view", "pa.nrrd", "-o", "p.json", "--initial", "nope.tfm")
    assert code == 2
    assert "nope.tfm does not exist" in told


# Cases


def a_film() -> Radiograph:
    return Radiograph(np.eye(64, dtype=np.float32), assumed_film_geometry("PA", (64, 64)), view="PA")


def test_a_film_given_twice_is_no_second_witness() -> None:
    with pytest.raises(InputError, match="X-rays 1 and 2 are the same film"):
        check_films_differ(Case((a_film(), a_film())))
    other = Radiograph(np.eye(64, dtype=np.float32), assumed_film_geometry("LL", (64, 64)), view="LL")
    check_films_differ(Case((a_film(), other)))


def test_an_organ_or_labels_of_another_frame_are_refused() -> None:
    ct = a_box()
    points = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]])
    triangle = np.array([[0, 1, 2]])
    check_lies_in_ct(Case((), ct=ct, mesh=SurfaceMesh(points, triangle), labels=ct))
    with pytest.raises(InputError, match="organ does not lie in the CT"):
        check_lies_in_ct(Case((), ct=ct, mesh=SurfaceMesh(points + 2000, triangle)))
    moved = ct.ijk_to_ras.copy()
    moved[:3, 3] += 2000
    with pytest.raises(InputError, match="labels do not lie in the CT"):
        check_lies_in_ct(Case((), ct=ct, labels=Volume(ct.voxels, moved, "label")))


@pytest.mark.parametrize(("value", "words"), [(0, "1 or more"), (7, "too small")])
def test_what_is_no_organ_is_refused_in_a_sentence(value: int, words: str) -> None:
    voxels = np.zeros((12, 12, 12), np.float32)
    voxels[5, 5, 5] = 7
    with pytest.raises(InputError, match=words):
        organ_template(Volume.axis_aligned(voxels, (1.0, 1.0, 1.0), quantity="label"), value)


@pytest.mark.parametrize("share", [0.1, 0.001])
def test_a_ct_in_other_units_is_refused(folder: Path, share: float) -> None:
    box = a_box()
    small = Volume(box.voxels, np.diag([share, share, share, 1.0]) @ box.ijk_to_ras)
    save_volume(small, folder / "units.nii.gz")
    for arguments in (
        ("register", "--ct", "units.nii.gz", "--view", "pa.nrrd", "-o", "x.pose.json"),
        ("simulate", "units.nii.gz", "-o", "x.nrrd"),
    ):
        code, told = run(*arguments)
        assert code == 2
        assert "not in millimetres" in told


def test_any_film_of_a_run_can_be_chosen(folder: Path) -> None:
    pa = load_radiograph(folder / "pa.nrrd")
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([pa.line_integral, pa.line_integral * 0.5])), "run.nrrd")
    (folder / "run.geometry.json").write_bytes((folder / "pa.geometry.json").read_bytes())
    for frame in (1, 2):
        arguments = ("--method", "filtered-backprojection", "--frame", frame, "-o", f"{frame}.nii.gz")
        code, told = run("reconstruct", "--view", "run.nrrd", *arguments)
        assert code == 0, told
        assert "Note: run.nrrd" not in told
    first, second = (load_ct(folder / f"{frame}.nii.gz").voxels for frame in (1, 2))
    assert np.abs(first - second).max() > 10
    case = load_case(["run.nrrd"], frame=2)
    np.testing.assert_allclose(case.radiographs[0].line_integral, pa.line_integral * 0.5)
    (folder / "cases.csv").write_text("id,view1,frame\na,run.nrrd,2\nb,run.nrrd,0\nc,run.nrrd,\n", encoding="utf-8")
    code, told = run("batch", "cases.csv", "-o", "out", "--method", "filtered-backprojection")
    assert code == 1
    assert "b: bad_input (The column frame counts from 1" in told
    np.testing.assert_array_equal(load_ct(folder / "out" / "a.nii.gz").voxels, second)
    np.testing.assert_array_equal(load_ct(folder / "out" / "c.nii.gz").voxels, first)


def test_a_smaller_set_of_films_leaves_none_of_the_former(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "set" / "drr_00002.note.txt").write_text("the user's own")
    for count in (4, 2):
        code, told = run("simulate", "ct.nii.gz", "-o", "set", "--count", count, "--size", "16,16")
        assert code == 0, told
    left = sorted(file.name for file in (folder / "set").iterdir())
    images = [f"drr_{index:05d}{suffix}" for index in range(2) for suffix in (".dcm", ".geometry.json")]
    assert left == sorted([*images, "drr_00002.note.txt", "dataset.jsonl"])


def test_a_ray_cluster_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(InputError, match=r"no Ray cluster at '127.0.0.1:9'"):
        check_reachable("127.0.0.1:9")
    check_reachable("auto")


def test_slices_are_not_written_into_a_file(folder: Path) -> None:
    code, told = run("export-dicom", "ct.nii.gz", "-o", "pa.nrrd")
    assert code == 2
    assert "pa.nrrd is a file: name a new folder" in told


def test_benchmarks_are_one_object_where_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"case": "a", "seconds": 1.0}, {"case": "b", "seconds": 2.0}]
    monkeypatch.setattr("XRayLib.projector.benchmark.benchmark", lambda: iter(rows))
    result = CliRunner().invoke(app, ["bench", "projector", "--json"])
    assert json.loads(result.stdout) == {"projector": rows}
    result = CliRunner().invoke(app, ["bench", "projector"])
    assert [json.loads(line) for line in result.stdout.splitlines()] == rows


def test_of_a_run_the_first_film_is_used_and_that_is_said(folder: Path) -> None:
    pa = load_radiograph(folder / "pa.nrrd")
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([pa.line_integral] * 3)), str(folder / "run.nrrd"))
    (folder / "run.geometry.json").write_bytes((folder / "pa.geometry.json").read_bytes())
    code, told = run("reconstruct", "--view", "run.nrrd", "--method", "filtered-backprojection", "-o", "v.nii.gz")
    assert code == 0, told
    assert "run.nrrd holds 3 X-rays: the first is used; --frame chooses" in told
    code, told = run("reconstruct", "--view", "run.nrrd", "--frame", "4", "-o", "v.nii.gz")
    assert code == 2
    assert "choose 1 to 3" in told
    arguments = ("--view", "run.nrrd", "--view", "lateral.nrrd", "--frames", "all", "-o", "x.pose.json")
    code, told = run("register", "--ct", "ct.nii.gz", *arguments)
    assert code == 2
    assert "run.nrrd 3, lateral.nrrd 1" in told


def test_films_of_one_name_share_their_geometry_and_that_is_said(folder: Path) -> None:
    assert "one geometry" not in run("simulate", "ct.nii.gz", "-o", "f.dcm", "--size", "64,64")[1]
    code, told = run("simulate", "ct.nii.gz", "-o", "f.png", "--size", "64,64", "--primary-angle", "90")
    assert code == 0
    assert "f.geometry.json gives f.png and f.dcm one geometry" in told
    assert "one geometry" not in run("simulate", "ct.nii.gz", "-o", "g.png", "--size", "64,64")[1]


# Tables


def test_the_tenth_view_comes_after_the_second() -> None:
    assert sorted(["view10", "view2", "view1", "id"], key=in_order) == ["id", "view1", "view2", "view10"]


def test_relative_geometry_in_a_table_is_taken_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "t.csv").write_text(
        "id,view1,view2,view3,prior_ct\na,film.dcm:g.json,b.png:pa,c.dcm,ct.nii.gz\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    row = read_cases(Path("sub/t.csv"))[0]
    sub = tmp_path / "sub"
    assert parse_view_argument(row["view1"]) == (sub / "film.dcm", str(sub / "g.json"))
    assert parse_view_argument(row["view2"]) == (sub / "b.png", "pa")
    assert parse_view_argument(row["view3"]) == (sub / "c.dcm", None)
    assert row["prior_ct"] == str(sub / "ct.nii.gz")


def test_misspelt_columns_are_named() -> None:
    assert unknown_columns([{"id": "a", "view1": "x", "methode": "sart", "initial": ""}]) == ["methode"]


def test_a_batch_places_the_prior_ct_where_the_table_says(folder: Path) -> None:
    table = "id,view1,prior_ct,initial,method\nn,pa.nrrd,ct.nii.gz,none.tfm,sart\n"
    (folder / "t.csv").write_text(table, encoding="utf-8")
    code, told = run("batch", "t.csv", "-o", "out")
    assert code == 1
    assert "none.tfm" in told


def test_a_batch_goes_on_beside_files_that_are_not_its_own(folder: Path) -> None:
    (folder / "t.csv").write_text("id,view1,method\nn,missing.nrrd,sart\n", encoding="utf-8")
    (folder / "out").mkdir()
    (folder / "out" / "n.json").write_text("[1]", encoding="utf-8")
    assert run("batch", "t.csv", "-o", "out")[0] == 1
    assert run("batch", "t.csv", "-o", "pa.nrrd")[0] == 2
