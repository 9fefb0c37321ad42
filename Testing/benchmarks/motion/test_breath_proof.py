"""The proof of meshes and deformations: its breaths are sound, and its judge knows right from wrong."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import breath_proof
import breath_rows
import numpy as np
import pytest
from breath_cases import ANGLES, BreathCase, breath_cases
from breath_films import BreathExposure, MovingPatient, expose_breath, moving_patient_of
from breath_rows import best_rigid, judged, run_breath
from breath_tables import all_tables
from elastic_breathing import Breath, ElasticBody
from hypothesis import given, settings
from hypothesis import strategies as st
from XRayLib.case import Case, Options, Result, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError, RefusedError
from XRayLib.mesh import organ_template
from XRayLib.metrics.mesh_solid import enclosed_volume_ml

sys.path.append(str(Path(__file__).resolve().parents[2] / "motion"))
from moving_bodies import LIVER, right_lung, torso

CASE = BreathCase("torso", 0.0, "none", 0, 1)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer points on the surfaces; the film of the usual case is made once."""
    monkeypatch.setattr(sys.modules["XRayLib.metrics.evaluate_mesh"], "SURFACE_SAMPLES", 1000)
    monkeypatch.setattr(
        breath_rows, "expose_breath", lambda case, moving: exposure() if case == CASE else expose_breath(case, moving)
    )


@cache
def patient() -> MovingPatient:
    ct, labels = torso()
    liver = organ_template(labels, LIVER, vertices=400)
    return moving_patient_of(ct, liver, liver)


@cache
def exposure() -> BreathExposure:
    return expose_breath(CASE, patient())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_breaths_fold_nowhere_to_speak_of_and_keep_the_organ_s_volume(seed: int) -> None:
    breath = Breath.drawn(np.random.default_rng(seed))
    field = patient().body.field(breath)
    assert field.folding_fraction() < 1e-4
    moved = SurfaceMesh(field.moved(patient().organ.points), patient().organ.triangles)
    assert enclosed_volume_ml(moved) == pytest.approx(enclosed_volume_ml(patient().organ), rel=0.12)
    rise = (moved.points - patient().organ.points)[:, 2].mean()
    assert rise == pytest.approx(breath.superior_mm, abs=0.2 * abs(breath.superior_mm) + 3)


def test_lungs_hang_by_their_apex_unless_the_ct_ends_below_it() -> None:
    ct, _ = torso()
    organ = patient().organ
    up = Breath(30.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    cut = Volume(ct.voxels[:38], ct.ijk_to_ras, ct.quantity)
    places = [[60.0, 0.0, ct.ijk_to_ras[2, 3] + 6.0 * k] for k in (53, 36)]
    whole, part = (ElasticBody(given, organ).field(up) for given in (ct, cut))
    assert -whole.at(np.array(places[0]), extend=True)[2] < 3
    assert -part.at(np.array(places[1]), extend=True)[2] > 10
    assert part.folding_fraction() < 1e-4


def test_the_film_shows_the_breath() -> None:
    still = BreathCase("torso", 0.0, "none", 0, 1)
    assert abs(still.breath().superior_mm) > 4
    from breath_films import march, tissue_volumes

    bare, view = patient().bare_ct, CASE.view(patient().middle_ras_mm)
    at_rest = sum(march(tissue_volumes(bare), bare.ijk_to_ras, view))
    film = exposure().radiograph.line_integral
    assert np.abs(film - at_rest).mean() > 0.02
    assert np.corrcoef(film.ravel(), at_rest.ravel())[0, 1] > 0.9


def test_the_truth_scores_nothing_and_identity_what_the_organ_moved() -> None:
    row = run_breath(CASE, truth, patient(), Options())
    assert row["result"]["surface_mm"] < 0.01
    assert row["result"]["dice"] == pytest.approx(1)
    moved = np.linalg.norm(exposure().organ.points - patient().organ.points, axis=1).mean()
    assert row["baselines"]["identity"]["vertex_md_mm"] == pytest.approx(moved)
    assert row["baselines"]["best_rigid"]["vertex_rmse_mm"] < row["baselines"]["identity"]["vertex_rmse_mm"]


def test_a_deformation_is_judged_by_the_organ_it_carries() -> None:
    def run(given: Case, options: Options) -> Result:
        return Result("test", deformation=exposure().field, ct_to_world=np.eye(4))

    row = run_breath(CASE, run, patient(), Options())
    assert row["result"]["vertex_md_mm"] < 0.01
    assert row["result"]["tre_mm"] < 0.01
    assert row["folding_fraction"] < 1e-4


def test_stated_deviations_are_compared_with_the_errors() -> None:
    def run(given: Case, options: Options) -> Result:
        rng = np.random.default_rng(0)
        points = exposure().organ.points + rng.normal(0, 2.0, exposure().organ.points.shape)
        deviation = np.full(len(points), 2.0 * np.sqrt(3))  # of all directions together
        return Result("test", mesh=SurfaceMesh(points, given.mesh.triangles, {"deviation_mm": deviation}))

    row = run_breath(CASE, run, patient(), Options())
    assert row["within_1_sd"] == pytest.approx(0.61, abs=0.08)  # chi squared of three axes
    assert row["within_2_sd"] > 0.95
    assert row["error_over_sd"] == pytest.approx(1.0, abs=0.05)


def test_a_refusal_is_a_row_without_result() -> None:
    def run(given: Case, options: Options) -> Result:
        raise RefusedError("No liver on this film.")

    row = run_breath(CASE, run, patient(), Options())
    assert row["reason"] == "No liver on this film."
    assert "result" not in row


def test_the_best_rigid_motion_undoes_a_rigid_one() -> None:
    from scipy.spatial.transform import Rotation

    organ = patient().organ
    turn = Rotation.from_rotvec([0.2, -0.1, 0.3]).as_matrix()
    moved = SurfaceMesh(organ.points @ turn.T + (5, -9, 20), organ.triangles)
    np.testing.assert_allclose(best_rigid(organ, moved).points, moved.points, atol=1e-6)


def test_errors_along_the_ray_are_told_from_those_across() -> None:
    view = exposure().radiograph.geometry
    shifted = SurfaceMesh(exposure().organ.points + 3 * view.detector_normal, patient().organ.triangles)
    errors = judged(exposure(), shifted)
    assert errors["along_ray_rmse_mm"] == pytest.approx(3, abs=0.1)
    assert errors["across_ray_rmse_mm"] < 0.6


def test_the_same_index_is_the_same_breath_from_every_angle() -> None:
    cases = list(breath_cases(["torso"], 2, 1))
    assert [case.angles for case in cases] == [*ANGLES, *ANGLES]
    assert cases[0].breath() == cases[2].breath() != cases[3].breath()
    assert len({case.key for case in cases}) == 6


def test_two_films_show_one_breath() -> None:
    (case,) = breath_cases(["torso"], 1, 1, angles=["0+90"])
    shown = []

    def run(given: Case, options: Options) -> Result:
        shown.extend(radiograph.geometry.primary_angle_deg for radiograph in given.radiographs)
        return Result("test", deformation=exposure().field, ct_to_world=np.eye(4))

    row = run_breath(case, run, patient(), Options())
    np.testing.assert_allclose(shown, [0, 90], atol=1e-6)
    assert row["result"]["tre_mm"] < 0.01
    assert "| liver | 0+90 | test |" in all_tables([row | {"key": case.key, "method": "test", "extra": {}}])


def test_an_interrupted_run_goes_on_and_tables_come_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breath_proof, "moving_patient", lambda name, organ: patient())
    out = tmp_path / "rows.jsonl"
    cases = [CASE, BreathCase("torso", 90.0, "mild", 0, 1, pose_noise=True)]
    list(breath_proof.run_all(cases[:1], out, "test", truth, Options(), 10))
    with out.open("a") as file:
        file.write('{"cut')
        file.write("\n")
    assert len(list(breath_proof.run_all(cases, out, "test", truth, Options(), 10))) == 1
    rows = breath_proof.rows_of(out)
    assert {row["key"] for row in rows} == {case.key for case in cases}
    json.dumps(rows, allow_nan=False)
    tables = all_tables(rows)
    assert "(best_rigid)" in tables and "| liver, pose off | 90 | test |" in tables
    unrefined = Options(extra={"refine": False})
    assert len(list(breath_proof.run_all(cases[:1], out, "test", truth, unrefined, 10))) == 1
    assert "| liver | 0 | test refine=false |" in all_tables(breath_proof.rows_of(out))


def test_a_lung_is_moved_by_the_liver_s_breath_and_keeps_its_top() -> None:
    ct, labels = torso()
    lung = right_lung(ct)
    breathing = moving_patient_of(ct, lung, organ_template(labels, LIVER, vertices=400))
    case = replace(CASE, organ="right lung")
    assert case.breath() == CASE.breath()
    assert case.key != CASE.key
    shown = expose_breath(case, breathing)
    moved, heights = (shown.organ.points - lung.points)[:, 2], lung.points[:, 2]
    low, high = (np.abs(moved[part]).mean() for part in (heights < np.quantile(heights, 0.2), heights > 110))
    assert low > 5 > 2 * high
    assert run_breath(case, truth_of(shown), breathing, Options())["result"]["vertex_md_mm"] < 0.01


def truth_of(shown: BreathExposure) -> breath_rows.Run:
    """A method that knows that breath."""
    return lambda given, options: Result("test", deformation=shown.field, ct_to_world=np.eye(4))


@pytest.mark.real_data
def test_the_liver_found_by_its_density_is_about_the_labelled_one(patient_data: Path) -> None:
    from planned_organs import GRID_MM, LABELS, liver_mask
    from XRayLib.ct import Volume, load_ct, load_volume, resample, resample_isotropic
    from XRayLib.metrics.overlap import dice

    ct = resample_isotropic(load_ct(patient_data / "ct" / "chest_lidc0001.nii.gz"), GRID_MM)
    labels = load_volume(patient_data / "ct" / "chest_lidc0001.labels.nii.gz", quantity="label")
    liver = Volume(np.isin(labels.voxels, LABELS["liver"]).astype(np.float32), labels.ijk_to_ras, "share")
    there = resample(liver, ct.voxels.shape, ct.ijk_to_ras).voxels > 0.5
    assert dice(liver_mask(ct), there) > 0.85


def test_methods_that_return_a_pose_are_refused() -> None:
    with pytest.raises(InputError, match="judges meshes"):
        breath_proof.runner("intensity")


def truth(given: Case, options: Options) -> Result:
    """A method that knows: it moves the mesh as the breath of its film does."""
    assert given.mesh is not None
    return Result("test", mesh=SurfaceMesh(exposure().organ.points, given.mesh.triangles))
