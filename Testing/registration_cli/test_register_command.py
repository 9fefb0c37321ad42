"""``xray3d register``: from files to a pose file, a transform and a report, with the agreed exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from film_files import CENTER, landmark_pairs, save_stack
from pose_cases import c_arm, random_pose
from report_words import report_words
from typer.testing import CliRunner
from XRayLib.cli.app import app
from XRayLib.pose_file import read_pose, read_pose_file
from XRayLib.transform_file import write_transform_file

FILMS = ("--ct", "ct.nii.gz", "--view", "pa.nrrd", "--view", "lateral.nrrd")


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_pose_is_written_with_everything_known_of_it(patient: Path, test_method: str) -> None:
    start = random_pose(3, shift_mm=3.0, turn_rad=0.05)
    write_transform_file("start.tfm", start)
    code, out, _ = run(
        *("register", *FILMS, "--method", test_method, "--initial", "start.tfm", "-o", "x.pose.json"),
        *("--transform", "x.tfm", "--report", "report", "--no-refine", "--refine-intrinsics", "--seed", 7),
        *("--initialisation", "search", "--rotation-range", 12, "--depth-range", 34, "--shift-range", 5, "--json"),
    )
    assert code == 0
    expected = start.copy()
    expected[0, 3] += 1
    pose = read_pose_file("x.pose.json")
    np.testing.assert_allclose(pose.ct_to_world, expected, atol=1e-9)
    np.testing.assert_allclose(pose.initial_ct_to_world, start, atol=1e-9)
    np.testing.assert_allclose(read_pose("x.tfm"), expected, atol=1e-9)
    assert pose.accepted is True
    assert [view.image for view in pose.views] == ["pa.nrrd", "lateral.nrrd"]
    film = c_arm(90.0, isocenter_ras_mm=CENTER)
    np.testing.assert_allclose(pose.views[1].ct_ras_to_pixel, film.moved(expected).ras_to_pixel, atol=1e-6)
    assert pose.provenance["options"] == {
        "initialisation": "search",
        "refine": False,
        "refine_intrinsics": True,
        "rotation_range_deg": 12.0,
        "shift_range_mm": 5.0,
        "depth_range_mm": 34.0,
        "bundle": "",
        "seed": 7,
    }
    told = json.loads(out)
    assert told["accepted"] is True
    assert told["deviation_mm"] == pytest.approx([0.1, 3.0, 0.2])
    assert told["files"] == ["x.pose.json", "x.tfm", str(Path("report") / "report.html")]


def test_the_report_shows_overlays_and_error_bars(patient: Path, test_method: str) -> None:
    assert run("register", *FILMS, "--method", test_method, "-o", "x.pose.json", "--report", "report")[0] == 0
    html = Path("report/report.html").read_text(encoding="utf-8")
    assert html.count("<img") == 8  # film, contours, re-projection and difference of each film
    for words in ("Accepted", "90 %", "3.00 mm", "along the beam of X-ray 2", "Research use only", "CT on X-rays"):
        assert words in html
    assert "volume" not in report_words(html).lower()
    assert "http" not in report_words(html)
    assert {"view1_reprojection.nrrd", "view2_residual.nrrd"} <= {path.name for path in Path("report").iterdir()}


def test_a_report_named_pdf_is_one(patient: Path, test_method: str) -> None:
    arguments = ("register", *FILMS, "--method", test_method, "-o", "x.pose.json", "--report", "r.pdf")
    assert run(*arguments)[0] == 0
    assert Path("r.pdf").read_bytes().startswith(b"%PDF")


def test_a_refused_pose_is_written_and_said(patient: Path, test_method: str) -> None:
    Path("x.tfm").write_text("of an earlier registration", encoding="utf-8")
    arguments = ("register", "--ct", "ct.nii.gz", "--view", "dark.nrrd", "--method", test_method, "-o", "x.pose.json")
    code, out, err = run(*arguments, "--transform", "x.tfm", "--report", "report", "--json")
    assert code == 3
    pose = read_pose_file("x.pose.json")
    assert pose.accepted is False
    assert pose.reason == "The corner is dark: take another film."
    assert f"Refused: {pose.reason}" in err
    told = json.loads(out)
    assert told["accepted"] is False
    assert told["error"] == {"code": "refused", "message": pose.reason}
    assert not Path("x.tfm").exists()  # a transform file could not say that it is refused
    html = Path("report/report.html").read_text(encoding="utf-8")
    assert "Refused" in html
    assert pose.reason in html
    _, _, err = run("register", *FILMS, "--method", test_method, "--initial", "x.pose.json", "-o", "y.pose.json")
    assert f"Note: x.pose.json holds a pose that was refused. {pose.reason}" in err


def test_a_method_that_finds_no_pose_at_all_is_refused_too(patient: Path, test_method: str) -> None:
    for name in ("x.pose.json", "x.tfm"):
        Path(name).write_text("of an earlier registration", encoding="utf-8")
    code, out, _ = run(
        *("register", *FILMS, "--method", test_method, "-o", "x.pose.json", "--transform", "x.tfm"),
        *("--rotation-range", 0, "--json"),
    )
    assert code == 3
    assert json.loads(out)["error"]["code"] == "refused"
    assert not Path("x.pose.json").exists()
    assert not Path("x.tfm").exists()


def test_landmarks_reach_the_method(patient: Path, test_method: str) -> None:
    landmark_pairs(patient / "pairs.json", 4, 2)
    arguments = ("register", *FILMS, "--method", test_method, "-o", "x.pose.json", "--landmarks")
    assert run(*arguments, "pairs.json")[0] == 0
    assert read_pose_file("x.pose.json").provenance["picked"] == 8
    Path("ct.csv").write_text("0,0,0,A\n10,0,0,B\n0,10,0,C\n")
    for name in ("pa", "lateral"):
        Path(f"{name}.json").write_text(json.dumps({"A": [1, 2], "C": [3, 4]}))
    assert run(*arguments, "ct.csv", "--view-landmarks", "pa.json", "--view-landmarks", "lateral.json")[0] == 0
    assert read_pose_file("x.pose.json").provenance["picked"] == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*FILMS, "-o", "x.tfm"), "name the pose"),
        ((*FILMS, "-o", "nowhere/x.pose.json"), "does not exist"),
        ((*FILMS, "-o", "x.pose.json", "--transform", "x.png"), "name the transform"),
        ((*FILMS, "-o", "x.pose.json", "--transform", "nowhere/x.tfm"), "does not exist"),
        ((*FILMS, "-o", "x.pose.json", "--method", "x2ct-cnn"), "does not return a pose"),
        ((*FILMS, "-o", "x.pose.json", "--method", "magic"), "test-pose"),
        ((*FILMS, "-o", "x.pose.json", "--initial", "absent.tfm"), "absent.tfm"),
        ((*FILMS, "-o", "x.pose.json", "--view-landmarks", "absent.json"), "add --landmarks"),
        (("--ct", "absent.nii.gz", "--view", "pa.nrrd", "-o", "x.pose.json"), "absent.nii.gz"),
        (("--ct", "ct.nii.gz", "--view", "absent.png", "-o", "x.pose.json"), "absent.png"),
        ((*FILMS, "--view", "dark.nrrd", "-o", "x.pose.json"), "3 given"),
        ((*FILMS, "-o", "x.pose.json", "--frames", "2"), "1 to 1"),
        ((*FILMS, "-o", "x.pose.json", "--frames", "a-b"), "1-5,8"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(patient, test_method, arguments: tuple, words: str) -> None:
    method = () if "--method" in arguments else ("--method", test_method)
    code, out, err = run("register", *arguments, *method, "--json")
    assert code == 2
    assert words in err
    assert json.loads(out)["error"]["code"] == "bad_input"
    assert len(err.strip().splitlines()) == 1
    assert not Path("x.pose.json").exists()


def test_a_run_is_registered_frame_by_frame_from_the_pose_before(patient: Path, test_method: str) -> None:
    frames = np.random.default_rng(0).uniform(0, 0.2, (5, 48, 64))
    frames[[0, 1, 3], 0, 0] = 1.0  # the third is refused
    save_stack(frames, c_arm(0.0, isocenter_ras_mm=CENTER), patient / "run.nrrd")
    arguments = ("register", "--ct", "ct.nii.gz", "--view", "run.nrrd", "--method", test_method, "-o", "x.pose.json")
    code, out, err = run(*arguments, "--frames", "1-4", "--transform", "x.tfm", "--json")
    assert code == 3
    assert "frame 3" in err
    told = json.loads(out)
    assert [frame["accepted"] for frame in told["frames"]] == [True, True, False, True]
    shifts = [read_pose_file(f"x.frame{n:04d}.pose.json").ct_to_world[0, 3] for n in (1, 2, 3, 4)]
    assert shifts == [1.0, 2.0, 3.0, 3.0]  # each a millimetre from the last accepted one
    assert Path("x.frame0002.tfm").exists()
    assert not Path("x.frame0003.tfm").exists()
    assert read_pose_file("x.frame0001.pose.json").provenance["options"]["initialisation"] == "auto"
    assert read_pose_file("x.frame0002.pose.json").provenance["options"]["initialisation"] == "given"
    assert run(*arguments, "--frames", "1,4")[0] == 0


def test_the_command_says_what_it_takes() -> None:
    code, out, _ = run("register", "--help")
    assert code == 0
    assert all(option in out for option in ("--deformable", "--transform", "--landmarks"))


def test_a_batch_registers_the_rows_with_a_ct(patient: Path, test_method: str) -> None:
    write_transform_file("start.tfm", random_pose(3, shift_mm=3.0, turn_rad=0.05))
    table = Path("table/cases.csv")
    table.parent.mkdir()
    table.write_text(
        "id,ct,view1,view2,initial,landmarks\n"
        "good,../ct.nii.gz,../pa.nrrd,../lateral.nrrd,../start.tfm,../pairs.json\n"
        "plain,../ct.nii.gz,../pa.nrrd,,,\n"
        "refused,../ct.nii.gz,../dark.nrrd,,,\n"
        "absent,../none.nii.gz,../pa.nrrd,,,\n"
    )
    landmark_pairs(patient / "pairs.json", 4, 2)
    code, out, _ = run("batch", table, "-o", "out", "--method", test_method, "--json")
    assert code == 1
    assert json.loads(out) == {"cases": 4, "ok": 2, "failed": 2, "output": "out"}
    good = read_pose_file("out/good.pose.json")
    np.testing.assert_allclose(good.initial_ct_to_world, read_pose("start.tfm"), atol=1e-9)
    assert good.provenance["picked"] == 8
    assert Path("out/good.tfm").exists()
    np.testing.assert_array_equal(read_pose_file("out/plain.pose.json").initial_ct_to_world, np.eye(4))
    refused = json.loads(Path("out/refused.json").read_text())
    assert (refused["status"], refused["message"]) == ("refused", "The corner is dark: take another film.")
    assert read_pose_file("out/refused.pose.json").accepted is False
    assert not Path("out/refused.tfm").exists()
    assert json.loads(Path("out/absent.json").read_text())["status"] == "bad_input"
    _, _, err = run("batch", table, "-o", "out", "--method", test_method)
    assert "2 already done" in err
