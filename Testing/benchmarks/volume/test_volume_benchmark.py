"""The benchmark of volumes on a drawn torso, with the quickest method."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "registration")]

import run_memory  # noqa: E402
import run_volumes  # noqa: E402
import volume_rows  # noqa: E402
from resumable_rows import rows_of  # noqa: E402
from volume_cases import DISPLACEMENT_MM, HELD_OUT, TRAINED_ON, earlier_ct, volume_case  # noqa: E402
from volume_tables import markdown  # noqa: E402
from XRayLib.case import Case, Options, Result  # noqa: E402
from XRayLib.ct import Volume, save_volume  # noqa: E402
from XRayLib.phantom import torso_phantom  # noqa: E402
from XRayLib.registry import Needs  # noqa: E402


@pytest.fixture
def data(tmp_path: Path) -> Path:
    torso = torso_phantom(4, 8.0).ct
    save_volume(Volume(torso.voxels, torso.ijk_to_ras), tmp_path / "torso.nii.gz")
    return tmp_path


def template() -> Volume:
    return Volume.axis_aligned(np.full((30, 30, 30), -500, np.float32), (12.0, 12.0, 12.0))


def test_nobody_is_trained_and_tested_on() -> None:
    assert not {name.partition("_")[2] for name in HELD_OUT} & set(TRAINED_ON)


def test_the_earlier_ct_differs_as_stated() -> None:
    ramp = np.tile(np.arange(60, dtype=np.float32)[:, None, None] * 4.0, (1, 40, 40))
    ct = Volume.axis_aligned(ramp, (2.0, 2.0, 2.0))
    moved_mm = (earlier_ct(ct, 0).voxels - ramp)[10:50] / 4.0 * 2.0
    assert np.sqrt(np.mean(moved_mm**2)) == pytest.approx(DISPLACEMENT_MM, rel=0.35)


def test_rows_go_on_and_become_a_table(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_volumes, "training_template", lambda *_: template())
    rows_file = data / "rows.jsonl"
    arguments = ["--data", str(data), "--rows", str(rows_file), "--cts", "torso", "--realism", "none"]
    arguments += ["--angles", "0,90", "--methods", "filtered-backprojection,mean template + consistency"]
    run_volumes.main(arguments)
    rows = rows_of(rows_file)
    assert [row["method"] for row in rows] == [
        "earlier CT",
        "mean template",
        "air",
        "filtered-backprojection",
        "mean template + consistency",
    ]
    assert [row["realism"] for row in rows] == ["any"] * 3 + ["none"] * 2
    assert all(np.isfinite(row["psnr_3d"]) for row in rows)
    assert all(row["residual"] > 0 and row["seconds"] > 0 for row in rows[3:])
    assert rows[-1]["psnr_3d"] > rows[1]["psnr_3d"] > rows[2]["psnr_3d"]
    run_volumes.main(arguments)
    assert rows_of(rows_file) == rows
    table = markdown(rows)
    assert table.count("\n") == 1 + len(rows)
    assert f"{rows[-1]['psnr_3d']:.2f}" in table


def test_a_method_is_asked_for_consistency_only_when_its_row_is_named_so(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, asked = volume_case(data / "torso.nii.gz", [0.0], "none", None), []

    def run(_case: Case, options: Options, _progress: object) -> Result:
        asked.append(dict(options.extra))
        return Result("some", volume=case.reference)

    some = SimpleNamespace(needs=Needs(), check=lambda _case: None, run=run)
    monkeypatch.setattr(volume_rows, "method", lambda _name: some)
    for name in ("some", "some + consistency"):
        volume_rows.reconstructed(name, case)
    assert asked == [{"consistent": False}, {"consistent": True}]


def test_a_method_that_cannot_is_told_and_the_others_go_on(data: Path) -> None:
    case = volume_case(data / "torso.nii.gz", [40.0], "none", None)
    rows = list(volume_rows.rows_of_case(case, ["x2ct-cnn", "filtered-backprojection"]))
    assert "degrees" in rows[-2]["error"]
    assert rows[-1]["method"] == "filtered-backprojection" and "error" not in rows[-1]
    assert "(1 failed)" in markdown([{**row, "realism": "none", "views": 1} for row in rows])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it")
def test_memory_is_that_of_a_process_of_its_own(data: Path) -> None:
    case = volume_case(data / "torso.nii.gz", [0.0], "none", None)
    held = np.ones(400_000_000, np.uint8)
    row, refused = run_memory.memory_rows(case, ["filtered-backprojection", "x2ct-unknown"])
    assert row["method"] == "filtered-backprojection" and row["seconds"] > 0
    assert 0.05 < row["memory_gb"] < 2 and held.all()
    assert "x2ct-unknown" in refused["error"]
