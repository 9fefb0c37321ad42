"""A phantom that breathed, registered to its films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from XRayLib.case import Case, Options
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.registry import method
from XRayRegistrationLib.deformable import models, soft_tissue
from XRayRegistrationLib.deformable.deformed_result import beyond_ct_mm
from XRayRegistrationLib.deformable.fitting import Posterior
from XRayRegistrationLib.deformable.models import FittedModel, chosen_model
from XRayRegistrationLib.rigid.registration import register_rigid

NEARBY = {"rotation_range_deg": 6, "shift_range_mm": 15, "depth_range_mm": 15}


def run(case: Case):
    stages = []
    options = Options(device="cpu", extra=NEARBY)
    result = method("deformable").run(case, options, lambda fraction, stage: stages.append((fraction, stage)))
    fractions = [fraction for fraction, _ in stages]
    assert fractions == sorted(fractions)
    return result


def test_breathing_is_found_where_a_rigid_registration_errs(films_of) -> None:
    case, truth = films_of(14.0)
    result = run(case)
    still = DisplacementField.identity(case.ct.voxels.shape, case.ct.ijk_to_ras)
    rigid = register_rigid(case, Options(device="cpu", extra=NEARBY), lambda *_: None)
    before = truth.errors_mm(rigid.ct_to_world, still).mean()
    errors = truth.errors_mm(result.ct_to_world, result.deformation)
    assert before > 2.5
    assert errors.mean() < 2.0
    assert errors.mean() < 0.5 * before
    assert result.quality["folding_fraction"] == 0
    assert result.quality["similarity"] > result.quality["similarity_rigid"]
    assert result.quality["held_out_similarity"] > result.quality["held_out_similarity_rigid"]
    assert result.pose_quality.accepted
    assert not any("deformation" in warning for warning in result.warnings)
    world = truth.field.moved(case.mesh.points) @ truth.pose[:3, :3].T + truth.pose[:3, 3]
    np.testing.assert_allclose(np.linalg.norm(result.mesh.points - world, axis=1).mean(), errors.mean(), atol=0.7)
    deviation = result.mesh.scalars["deviation_mm"]
    assert 0.2 < np.sqrt(np.mean((errors / deviation) ** 2)) < 3
    assert result.uncertainty.quantity == "displacement_sd_mm"
    assert [view.reprojection.shape for view in result.views] == [(128, 128)] * 2


def test_who_has_not_breathed_is_not_made_worse_than_by_a_rigid_registration(films_of) -> None:
    case, truth = films_of(0.0)
    result = run(case)
    assert truth.errors_mm(result.ct_to_world, result.deformation).mean() < 0.6
    assert result.quality["folding_fraction"] == 0
    assert any("without a deformation" in warning for warning in result.warnings)


def test_from_one_view_the_patients_depth_is_not_changed_to_fit_the_organ(films_of) -> None:
    case, truth = films_of(6.0, (90.0,))
    result = run(case)
    still = DisplacementField.identity(case.ct.voxels.shape, case.ct.ijk_to_ras)
    rest = np.linalg.inv(truth.pose) @ result.ct_to_world @ [*case.ct.center_ras_mm, 1.0]
    assert np.linalg.norm(rest[:3] - case.ct.center_ras_mm) < 1.5
    errors = truth.errors_mm(result.ct_to_world, result.deformation)
    assert errors.mean() < 0.5 * truth.errors_mm(truth.pose, still).mean()
    deviation = result.mesh.scalars["deviation_mm"]
    assert np.mean(errors < 2 * deviation) > 0.9
    ray = case.radiographs[0].geometry.detector_normal
    depth_mm = np.sqrt(ray @ result.pose_quality.covariance_mm_rad[:3, :3] @ ray)
    assert not any("out of the CT" in warning for warning in result.warnings)
    (told,) = (warning for warning in result.warnings if "depth" in warning)
    assert f"about {2 * depth_mm:.1f} mm" in told  # of the result, not of the rigid registration before it


def test_one_view_will_do_and_without_an_organ_what_lies_beneath_the_lungs_breathes(films_of) -> None:
    case, truth = films_of(-15.0, (0.0,))
    result = run(replace(case, mesh=None))
    assert result.mesh is None
    still = DisplacementField.identity(case.ct.voxels.shape, case.ct.ijk_to_ras)
    breathed = truth.errors_mm(truth.pose, still).mean()
    assert truth.errors_mm(result.ct_to_world, result.deformation).mean() < breathed / 2
    assert "held_out_similarity" not in result.quality
    assert result.provenance["motion"] in ("bones and breathing", "bones and soft tissue")


def test_an_organ_that_leaves_the_ct_is_doubted(films_of) -> None:
    case, _ = films_of(-15.0, (0.0,))
    ct, top = case.ct, np.asarray(case.mesh.points)[:, 2].max()
    slices = int((top + 4 - ct.ijk_to_ras[2, 3]) / ct.ijk_to_ras[2, 2]) + 1
    assert 10 < slices < len(ct.voxels)
    cut = Volume(ct.voxels[:slices], ct.ijk_to_ras)
    assert any("out of the CT" in warning for warning in run(replace(case, ct=cut)).warnings)


def test_distance_beyond_a_cts_voxels() -> None:
    ct = Volume.axis_aligned(np.zeros((10, 20, 30), np.float32), (1.0, 2.0, 3.0), (5.0, 0.0, 0.0))
    inside = [[5 - 15, 0, 0], [5 + 14.9, -19.9, 14.9]]
    assert beyond_ct_mm(np.array(inside, float), ct) == pytest.approx(0, abs=1e-6)
    assert beyond_ct_mm(np.array([*inside, [5 + 18, 24, 0]], float), ct) == pytest.approx(5.0)


def test_a_ct_in_which_nothing_breathes_is_registered_rigidly_and_says_so(two_bones: Volume) -> None:
    solid = replace(two_bones, voxels=np.where(two_bones.voxels > 500, 60, two_bones.voxels))
    assert soft_tissue.soft_tissue_motion(Case((), ct=solid), solid) == (None, (soft_tissue.NO_ORGAN,))


def a_model(name: str, log_evidence: float, held_out: float | None) -> FittedModel:
    return FittedModel(name, (), Posterior(None, np.eye(6), log_evidence), held_out)


def test_a_freer_motion_must_be_earned() -> None:
    rigid = a_model("rigid", 0.0, 0.8)
    assert chosen_model([rigid, a_model("free", 2.0, 0.9)]) is rigid
    assert chosen_model([rigid, a_model("free", 50.0, 0.7)]) is rigid
    earned = a_model("free", 50.0, 0.81)
    assert chosen_model([rigid, earned]) is earned
    assert chosen_model([a_model("rigid", 0.0, None), one := a_model("free", 50.0, None)]) is one
    bones = a_model("bones", 10.0, 0.85)
    assert chosen_model([rigid, bones, a_model("tissue", 12.0, 0.9)]) is bones
    assert models.LEAST_EVIDENCE >= 3


def test_where_motion_is_no_question_the_freest_is_taken() -> None:
    rigid, free = a_model("rigid", 0.0, None), a_model("free", -10.0, None)
    assert chosen_model([rigid, free]) is rigid
    assert chosen_model([rigid, free], expected=True) is free
