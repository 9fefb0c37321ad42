"""The command line's contract: one JSON object, one sentence per failure, the agreed exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from report_words import report_words
from typer.testing import CliRunner
from XRayLib.cli.app import app
from XRayLib.ct import Volume, load_ct, save_volume
from XRayLib.radiograph import load_radiograph
from XRayLib.shared_files import shared_folder


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    """A water box with an air cavity and a bone rod, 4 mm."""
    voxels = np.full((40, 40, 40), -1000, np.float32)
    voxels[5:35, 8:32, 6:34] = 0
    voxels[10:30, 12:24, 10:18] = -900
    voxels[:, 27:30, 19:22] = 800
    path = tmp_path / "ct.nii.gz"
    save_volume(Volume.axis_aligned(voxels, (4.0, 4.0, 4.0), (10.0, 20.0, 30.0)), path)
    return path


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: object) -> dict:
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_simulated_radiograph_carries_the_asked_geometry(ct, tmp_path) -> None:
    output = tmp_path / "drr.dcm"
    run_json(
        *("simulate", ct, "-o", output, "--primary-angle", 30, "--secondary-angle", -10, "--isocenter", "10,20,30"),
        *("--source-to-detector", 1100, "--source-to-isocenter", 750, "--size", "96,80", "--spacing", 2.5),
    )
    geometry = load_radiograph(output).geometry
    assert geometry.size_px == (96, 80)
    assert geometry.primary_angle_deg == pytest.approx(30)
    assert geometry.secondary_angle_deg == pytest.approx(-10)
    assert geometry.source_to_detector_mm == 1100
    np.testing.assert_allclose(geometry.project([10, 20, 30]), [[47.5, 39.5]], atol=1e-6)


def test_a_dataset_has_one_line_per_radiograph(ct, tmp_path) -> None:
    folder = tmp_path / "set"
    written = run_json("simulate", ct, "-o", folder, "--count", 3, "--poses", "random", "--size", "32,32", "--seed", 5)
    assert len(written["output"]) == 3
    assert len((folder / "dataset.jsonl").read_text().splitlines()) == 3


def test_a_ct_evaluated_against_itself_is_perfect(ct) -> None:
    values = run_json("evaluate", "volume", "--reference", ct, "--result", ct)
    assert values["result"]["mae_hu"] == 0
    assert values["result"]["psnr_3d"] is None  # infinite, which JSON cannot say
    assert values["baselines"]["air"]["psnr_3d"] < 30


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("simulate", "absent.nii.gz", "-o", "x.dcm"), "absent"),
        (("simulate", "absent.nii.gz", "-o", "x.dcm", "--size", "32.9,32"), "whole numbers"),
        (("simulate", "absent.nii.gz", "-o", "x.dcm", "--size", "32"), "2 numbers"),
        (("reconstruct", "--view", "absent.png", "-o", "x.nii.gz"), "absent"),
        (("reconstruct", "--view", "absent.png", "-o", "x.jpg"), ".nii.gz"),
        (("reconstruct", "--view", "absent.png", "-o", "no-folder/x.nii.gz"), "does not exist"),
        (("reconstruct", "--view", "absent.png", "-o", "x.nii.gz", "--preset", "published"), "has no presets"),
        (("models", "show", "no-such-model"), "no-such-model"),
        (("bench", "no-such-bench"), "no-such-bench"),
        (("batch", "absent.csv", "-o", "out"), "absent.csv"),
        (("train", "absent.yaml"), "absent.yaml"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments, "--json")
    assert code == 2
    assert words in err
    assert json.loads(out)["error"]["code"] == "bad_input"
    assert len(err.strip().splitlines()) == 1


def test_an_unknown_method_lists_the_known_ones(tmp_path) -> None:
    film = shared_folder("SampleData") / "torso_pa.dcm"
    code, _, err = run("reconstruct", "--view", film, "--method", "magic", "-o", tmp_path / "x.nii.gz")
    assert code == 2
    assert "x2ct-cnn" in err


def test_a_preset_reaches_nerp(tmp_path, ct) -> None:
    film = shared_folder("SampleData") / "torso_pa.dcm"
    given = ("--view", film, "--prior-ct", ct, "-o", tmp_path / "x.nii.gz")
    code, _, err = run("reconstruct", *given, "--method", "nerp", "--preset", "slow")
    assert code == 2
    assert "quick, published" in err


def test_two_films_become_a_volume_with_a_report(tmp_path) -> None:
    views = [shared_folder("SampleData") / name for name in ("torso_pa.dcm", "torso_lateral.dcm")]
    arguments = [item for view in views for item in ("--view", view)]
    output, report = tmp_path / "volume.nii.gz", tmp_path / "report"
    values = run_json("reconstruct", *arguments, "-o", output, "--report", report)
    volume = load_ct(output)
    assert -1024 <= volume.voxels.min() < -800
    assert 0 < volume.voxels.max() <= 1476
    assert values["provenance"]
    html = (report / "report.html").read_text()
    assert html.count("<img") >= 12
    assert "What cannot be known" in html
    assert "Research use only" in html
    assert "http" not in report_words(html).replace("http-equiv", "")
    assert {"view1_reprojection.nrrd", "view2_residual.nrrd", "report.pdf"} <= {path.name for path in report.iterdir()}


def test_a_batch_goes_on_after_a_bad_case_and_resumes(tmp_path) -> None:
    views = [shared_folder("SampleData") / name for name in ("torso_pa.dcm", "torso_lateral.dcm")]
    table = tmp_path / "cases.csv"
    table.write_text(f"id,view1,view2\nbad,missing.dcm,{views[1]}\ngood,{views[0]},{views[1]}\n")
    code, out, _ = run("batch", table, "-o", tmp_path / "out", "--json")
    assert code == 1
    assert json.loads(out)["ok"] == 1
    assert (tmp_path / "out" / "good.nii.gz").is_file()
    assert json.loads((tmp_path / "out" / "bad.json").read_text())["status"] == "bad_input"
    changed = (tmp_path / "out" / "good.nii.gz").stat().st_mtime_ns
    run("batch", table, "-o", tmp_path / "out")
    assert (tmp_path / "out" / "good.nii.gz").stat().st_mtime_ns == changed


def test_the_models_are_listed_and_verified() -> None:
    models = run_json("models", "list")["models"]
    identifiers = {model["id"] for model in models}
    assert {"x2ct-cnn-chest-2view", "x2ct-cnn-chest-1view"} <= identifiers
    report = run_json("models", "verify", "x2ct-cnn-chest-2view", "--device", "cpu")
    assert report["models"]["x2ct-cnn-chest-2view"]["passed"]


def test_the_module_runs_as_in_slicer() -> None:
    command = [sys.executable, "-m", "XRayLib", "models", "list", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "models" in json.loads(finished.stdout)
