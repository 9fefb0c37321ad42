"""Methods measured on held-out patients: rows that are not computed twice, tables, honest deviations."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from shared import method_evaluation
from shared.method_evaluation import (
    BASELINES,
    Contender,
    FilmSet,
    calibration_text,
    metrics_of,
    resumed_rows,
    table,
)
from small_lifting import box_patient
from XRayLib.case import Result
from XRayLib.ct import Volume

FILMS = FilmSet("2 views, 60 deg", (0.0, 60.0))


class Guess:
    """A method that answers the box moved by 100 HU and says so."""

    calls = 0

    def run(self, case, _options, _progress):
        Guess.calls += 1
        assert [round(r.geometry.primary_angle_deg) for r in case.radiographs] == [0, 60]
        deviation = Volume.axis_aligned(np.full((100, 70, 80), 100.5, np.float32), (2.0,) * 3, quantity="HU_sd")
        return Result("guess", volume=self.volume, uncertainty=deviation)


@pytest.fixture
def patient(tmp_path, monkeypatch):
    guess = Guess()
    guess.volume = Volume.axis_aligned(box_patient(tmp_path) + 100, (2.0,) * 3)
    monkeypatch.setattr(method_evaluation, "method", lambda _id: guess)
    monkeypatch.setattr(method_evaluation, "remove_table", lambda ct: ct)  # it rounds the corners of a box
    Guess.calls = 0
    return tmp_path / "chest_box.nii.gz"


def test_rows_are_kept_and_not_computed_twice(patient, tmp_path):
    file = tmp_path / "rows.jsonl"
    template = Volume.axis_aligned(np.full((12, 12, 12), -800, np.float32), (20.0,) * 3)
    rows = resumed_rows(file, [patient], [FILMS], [Contender("guess")], template)
    assert {row["method"] for row in rows} == {"guess", *BASELINES}
    again = resumed_rows(file, [patient], [FILMS], [Contender("guess"), Contender("guess", True)], template)
    assert Guess.calls == 2
    assert {row["method"] for row in again} == {"guess", "guess + consistency", *BASELINES}
    means = {row["method"]: row["psnr_3d"] for row in rows}
    assert means["mean template + consistency"] > means["mean template"]
    assert json.loads(file.read_text().splitlines()[0]) == rows[0]


def test_the_numbers_are_those_of_the_error(patient, tmp_path):
    rows = resumed_rows(tmp_path / "rows.jsonl", [patient], [FILMS], [Contender("guess")])
    (row,) = rows
    assert row["psnr_3d"] == pytest.approx(20 * np.log10(25), abs=0.05)
    assert row["mae_body_hu"] == pytest.approx(100, abs=1)
    assert row["within_1_sd"] == pytest.approx(1.0)
    assert "100 %" in calibration_text(rows, "guess")


def test_tables_and_manifests_hold_the_means_of_the_patients():
    def row(patient: str, name: str, value: float) -> dict:
        numbers = {"psnr_3d": value, "legacy_psnr": 30.0, "legacy_ssim": 0.5, "mae_body_hu": 200.0}
        return {"patient": patient, "films": "2 views", "method": name, **numbers}

    rows = [row("a", "ours", 20.0), row("b", "ours", 22.0), row("a", "mean template", 17.0)]
    assert "| 2 views | ours | 21.00 | 200 | 30.00 | 0.500 |  |  |" in table(rows)
    entry = metrics_of(rows, "ours", "2026-01-01")[0]
    assert (entry["metric"], entry["value"], entry["n"], entry["baseline_value"]) == ("psnr_3d", 21.0, 2, 17.0)
