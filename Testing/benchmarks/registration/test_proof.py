"""The proof judges what it says: known answers get known errors, interrupted runs go on, tables count right."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import proof_cases as proof_cases_module
import proof_films
import pytest
import run_proof
from proof_cases import (
    CALIBRATION_CTS,
    CYCLE,
    KINDS,
    OTHER_ANATOMY,
    OTHER_PATIENT,
    PROOF_CTS,
    nominal_views,
    proof_cases,
    true_pose,
    turned_in_plane,
)
from proof_films import Patient, expose_case, patient_of
from proof_rows import along_view_axes, run_case
from proof_tables import all_tables, error_table, is_good, negative_table, reliability_table
from rejudged import rejudged
from XRayLib.case import Case, Options, PoseQuality, Result
from XRayLib.ct import Volume, remove_table
from XRayLib.errors import InputError, RefusedError
from XRayLib.phantom.torso import torso_phantom
from XRayLib.reprojection import fit_gain_offset, reproject
from XRayRegistrationLib.rigid.confidence import Evidence, judge


@pytest.fixture(autouse=True)
def small_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof_cases_module, "DETECTOR_PX", 128)


@pytest.fixture(scope="module")
def torso() -> Patient:
    return patient_of(torso_phantom(3, 6.0).ct)


def case_of(kind: str = "registration", index: int = 0):
    return next(proof_cases(["chest_lidc0580"], 1, 5, kind, index))


def answering(move: np.ndarray | None = None, accepted: bool = True, deviation: float = 1.0):
    """A method that answers its start, moved; with start "true" its error is known."""

    def register(case: Case, options: Options) -> Result:
        pose = case.initial_ct_to_world if move is None else move @ case.initial_ct_to_world
        quality = PoseQuality(np.eye(6) * deviation**2, 0.9 if accepted else 0.1, accepted, "" if accepted else "No.")
        return Result("test", ct_to_world=pose, pose_quality=quality)

    return register


def test_every_cycle_holds_every_cell() -> None:
    assert len(CYCLE) == 21
    assert {views for views, _ in CYCLE} == {"frontal", "lateral", "frontal+lateral"}
    assert sum(views == "frontal+lateral" for views, _ in CYCLE) == 9
    assert all(sum(level == wanted for _, level in CYCLE) == 7 for wanted in ("none", "mild", "hard"))


def test_calibration_and_proof_share_no_patient() -> None:
    for own, other in ((PROOF_CTS, CALIBRATION_CTS), (CALIBRATION_CTS, PROOF_CTS)):
        shown = {OTHER_PATIENT[ct] for ct in own} | {OTHER_ANATOMY[ct] for ct in own} | set(own)
        assert not shown & (set(other) - {"abdomen_pancreas0020"})
    assert not {OTHER_PATIENT[ct] for ct in CALIBRATION_CTS} & set(PROOF_CTS)


def test_poses_fill_their_ranges_and_are_reproducible(torso: Patient) -> None:
    shifts = []
    for index in range(300):
        case = case_of(index=index)
        view = nominal_views(case, torso.middle_ras_mm)[0]
        pose = true_pose(case, torso.middle_ras_mm, view)
        np.testing.assert_array_equal(pose, true_pose(case_of(index=index), torso.middle_ras_mm, view))
        np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)
        shift = (pose @ [*torso.middle_ras_mm, 1.0])[:3] - torso.middle_ras_mm
        shifts.append([shift @ view.column_direction, shift @ view.row_direction, shift @ view.detector_normal])
    reach = np.abs(shifts).max(axis=0)
    assert (reach <= [50, 50, 100]).all()
    assert (reach > [48, 48, 96]).all()
    np.testing.assert_allclose(np.std(shifts, axis=0), np.array([50, 50, 100]) / np.sqrt(3), rtol=0.12)


@pytest.mark.parametrize("kind", ["registration", "rotated", "truncated"])
def test_the_true_pose_explains_the_film(torso: Patient, kind: str) -> None:
    case = replace(case_of(kind, 1), realism="none")
    exposure = expose_case(case, torso, torso)
    whole = remove_table(torso.ct)
    film = exposure.radiographs[0]
    moved = replace(film, geometry=film.geometry.moved(exposure.true_ct_to_world))
    assert reproject(whole, [moved])[0].residual < 0.02
    assert reproject(whole, [film])[0].residual > 0.2


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turning_the_world_turns_the_image(torso: Patient, quarters: int) -> None:
    view = nominal_views(case_of(), torso.middle_ras_mm)[0].resampled((64, 64))
    turned = view.moved(turned_in_plane(view, quarters))
    plain, rotated = (reproject_once(torso.ct, each) for each in (view, turned))
    assert fit_gain_offset(np.rot90(plain, quarters), rotated)[2] < 1e-3


def reproject_once(ct: Volume, view) -> np.ndarray:
    from XRayLib.radiograph import Radiograph

    return reproject(ct, [Radiograph(np.zeros(view.size_px[::-1], np.float32), view)])[0].reprojection


def test_a_truncated_ct_keeps_its_place(torso: Patient) -> None:
    exposure = expose_case(case_of("truncated", 1), torso, torso)
    removed_mm = (torso.ct.voxels.shape[0] - exposure.ct.voxels.shape[0]) * torso.ct.spacing_mm[2]
    assert 55 < removed_mm < 85
    inside = (
        np.linalg.inv(exposure.ct.ijk_to_ras)
        @ np.c_[exposure.targets_ct_ras_mm, np.ones(len(exposure.targets_ct_ras_mm))].T
    )
    assert (inside[2] > -0.5).all()
    assert (inside[2] < exposure.ct.voxels.shape[0] - 0.5).all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_a_film_of_its_own(torso: Patient, kind: str) -> None:
    case = replace(case_of(kind, 0), views="frontal+lateral", realism="mild")
    exposure = expose_case(case, torso, torso)
    assert len(exposure.radiographs) == 2
    assert (exposure.true_ct_to_world is None) == case.is_negative
    assert case.is_negative == (kind not in ("registration", "occluded", "truncated"))


def test_rows_hold_the_known_error(torso: Patient) -> None:
    case = replace(case_of(index=0), realism="none")
    view = nominal_views(case, torso.middle_ras_mm)[0]
    shift = np.eye(4)
    shift[:3, 3] = 3.0 * view.column_direction + 4.0 * view.detector_normal
    row = run_case(case, answering(shift), torso, torso, Options(), "true")
    assert row["initial"]["mtre_mm"] == pytest.approx(0, abs=1e-9)
    assert row["final"]["mtre_mm"] == pytest.approx(5.0)
    assert row["final"]["in_plane_mm"] == pytest.approx(3.0)
    assert row["final"]["depth_mm"] == pytest.approx(4.0)
    np.testing.assert_allclose(row["error_mm_rad"], [3, 0, 4, 0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(row["predicted_sd_mm_rad"], np.ones(6))
    json.dumps(row)
    nominal = run_case(case, answering(), torso, torso, Options())
    assert nominal["final"] == nominal["initial"]
    assert nominal["initial"]["mtre_mm"] > 10


def test_rotation_errors_are_about_the_ct_where_it_is(torso: Patient) -> None:
    view = nominal_views(case_of(), torso.middle_ras_mm)[0]
    found, turn = np.eye(4), np.eye(4)
    turn[:3, :3] = np.array([[np.cos(0.1), -np.sin(0.1), 0], [np.sin(0.1), np.cos(0.1), 0], [0, 0, 1]])
    middle = torso.ct.center_ras_mm
    turn[:3, 3] = middle - turn[:3, :3] @ middle
    told = along_view_axes(np.linalg.inv(turn), found, np.eye(6), torso.ct, view)
    np.testing.assert_allclose(told["error_mm_rad"][:3], 0, atol=1e-9)
    about_s = view.row_direction[2] * 0.1
    np.testing.assert_allclose(told["error_mm_rad"][3:], [0, about_s, 0], atol=1e-9)


def test_a_raised_refusal_is_a_row_and_a_bug_is_not(torso: Patient) -> None:
    def refusing(case: Case, options: Options) -> Result:
        raise RefusedError("Nothing to see.")

    row = run_case(case_of("empty"), refusing, torso, torso, Options())
    assert (row["accepted"], row["reason"], row["raised"]) == (False, "Nothing to see.", "RefusedError")

    def broken(case: Case, options: Options) -> Result:
        raise ValueError

    with pytest.raises(ValueError):
        run_case(case_of("empty"), broken, torso, torso, Options())


def test_tables_count_what_happened(torso: Patient) -> None:
    shift = np.eye(4)
    shift[0, 3] = 20.0
    common = {"method": "test", "warm": True}
    rows = [
        common | run_case(replace(case_of(kind, 0), realism="none"), register, torso, torso, Options(), "true")
        for kind, register in (
            ("registration", answering()),
            ("registration", answering(shift)),
            ("registration", answering(shift, accepted=False)),
            ("mirrored", answering()),
            ("empty", answering(accepted=False)),
        )
    ]
    assert [is_good(row) for row in rows] == [True, False, False, False, False]
    by_views = error_table(rows, lambda row: (row["views"],), ["views"]).splitlines()
    assert by_views[2].split(" | ")[1] == "3"
    assert "33.3 %" in by_views[2]
    assert by_views[2].split(" | ")[-2] == "1"
    assert "| mirrored | frontal+lateral | 1 | 0 | 1 | 0.90 |" in negative_table(rows)
    assert "| 0.8 to 0.95 | 3 | 0.90 | 0.33 |" in reliability_table(rows)
    assert "Predicted and actual deviation" in all_tables(rows)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_rows_are_judged_anew_from_their_evidence(torso: Patient, share: float) -> None:
    def register(case: Case, options: Options) -> Result:
        names = [field.name for field in fields(Evidence) if field.name != "covariance_mm_rad"]
        covariance = np.diag([1.0, 2, 3, 0.01, 0.02, 0.03]) ** 2
        quality = judge(Evidence(**dict.fromkeys(names, share), covariance_mm_rad=covariance), 1)
        return Result("test", ct_to_world=np.eye(4), pose_quality=quality)

    case = replace(case_of(index=1), realism="none")
    row = json.loads(json.dumps({"key": case.key} | run_case(case, register, torso, torso, Options())))
    again = rejudged(row | {"accepted": None, "confidence": None, "reason": None})
    assert all(again[name] == row[name] for name in ("accepted", "confidence", "reason", "predicted_sd_mm_rad"))
    unscaled = {name: value for name, value in row.items() if name != "covariance_mm_rad"}
    unscaled["predicted_sd_mm_rad"] = [1, 2, 3, 0.01, 0.02, 0.03]
    view = nominal_views(case, torso.middle_ras_mm)[0]
    deviations = np.array(row["predicted_sd_mm_rad"])
    assert view.column_direction[0] == -1  # columns, rows and depth run along -R, -S and A
    np.testing.assert_allclose(deviations[:3] / deviations[0], [1, 3, 2], rtol=1e-6)
    np.testing.assert_allclose(rejudged(unscaled)["predicted_sd_mm_rad"][0], row["predicted_sd_mm_rad"][0], rtol=1e-6)
    with pytest.raises(InputError, match="run it again"):
        rejudged(row | {"similarity": {}})


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    cases = list(proof_cases(["chest_lidc0580"], 2, 1))
    out.write_text("".join(json.dumps({"key": case.key}) + "\n" for case in cases) + '{"key": "cut of')
    assert list(run_proof.run_all(cases, out, "none", Options(), "nominal", 1, 1.0)) == []
    assert len(run_proof.rows_of(out)) == 2


@pytest.mark.real_data
def test_patients_of_both_sets_are_there(patient_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XRAY3D_DATA", str(patient_data))
    missing = [ct for ct in PROOF_CTS + CALIBRATION_CTS if not (proof_films.ct_folder() / f"{ct}.nii.gz").exists()]
    assert missing == []
