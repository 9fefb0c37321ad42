"""What every breathing state must be, whatever its parameters: one to one, consistent, and like a patient's."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from moving_bodies import LIVER, breathing_torso, right_lung, torso
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.mesh import organ_template
from XRayLib.metrics.mesh_solid import enclosed_volume_ml, voxels_inside
from XRayLib.metrics.overlap import dice
from XRayLib.motion import MotionModel, MotionParameters, SteeredMotion

seeds = st.integers(0, 10**6)
few = settings(max_examples=12, deadline=None)


@few
@given(seeds)
def test_no_state_folds(seed: int) -> None:
    model, _, _ = breathing_torso()
    field = model.random_state(np.random.default_rng(seed)).field
    assert field.folding_fraction() == 0


@few
@given(seeds)
def test_vertices_lie_exactly_where_the_field_says(seed: int) -> None:
    model, _, organ = breathing_torso()
    state = model.random_state(np.random.default_rng(seed))
    np.testing.assert_allclose(state.field.in_ct(state.organ.points), organ.points, atol=1e-3)
    assert np.array_equal(state.organ.triangles, organ.triangles)


@few
@given(seeds)
@example(3895)
def test_forward_and_back_is_where_one_began(seed: int) -> None:
    model, _, _ = breathing_torso()
    rng = np.random.default_rng(seed)
    field = model.random_state(rng).field
    low, high = model.thorax.low_ras_mm, model.thorax.high_ras_mm
    points = rng.uniform(low, high, (300, 3))
    np.testing.assert_allclose(field.in_ct(field.moved(points)), points, atol=1e-3)
    np.testing.assert_allclose(field.moved(field.in_ct(points)), points, atol=1e-2)


@few
@given(seeds)
def test_the_organ_nearly_keeps_its_volume(seed: int) -> None:
    model, _, organ = breathing_torso()
    state = model.random_state(np.random.default_rng(seed))
    assert enclosed_volume_ml(state.organ) == pytest.approx(enclosed_volume_ml(organ), rel=0.08)


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_warped_labels_are_the_moved_mesh(seed: int) -> None:
    model, labels, _ = breathing_torso()
    state = model.random_state(np.random.default_rng(seed))
    fine = np.diag([3.0, 3.0, 3.0, 1.0])
    fine[:3, 3] = state.organ.points.min(axis=0) - 6.0
    shape = tuple(int(n) for n in np.ceil(np.ptp(state.organ.points, axis=0) / 3.0)[::-1] + 5)
    warped = state.field.on_grid(shape, fine).warp(labels).voxels == LIVER
    assert dice(warped, voxels_inside(state.organ, shape, fine[:3, 3], 3.0)) > 0.9


@pytest.mark.parametrize("descent_mm", [-30.0, 12.0, 35.0])
def test_the_liver_goes_with_the_diaphragm(descent_mm: float) -> None:
    model, _, organ = breathing_torso()
    moved = model.state(MotionParameters(descent_mm=descent_mm)).organ.points - organ.points
    assert moved[:, 2].mean() == pytest.approx(-descent_mm, rel=0.1)
    behind_mm = np.abs(moved[:, 2] + descent_mm)
    assert np.quantile(behind_mm, 0.9) < 0.15 * abs(descent_mm) + 1


def test_a_lung_hangs_by_its_top_and_fills_from_below() -> None:
    ct, _ = torso()
    lung = right_lung(ct)
    model, _, _ = breathing_torso()
    of_lung = MotionModel(ct, lung, spacing_mm=6.0)
    assert of_lung.thorax.organ_is_lung
    assert not model.thorax.organ_is_lung
    assert of_lung.thorax.base_s_mm == pytest.approx(model.thorax.base_s_mm, abs=12)
    down = of_lung.state(MotionParameters(descent_mm=30.0)).organ
    moved, heights = (down.points - lung.points)[:, 2], lung.points[:, 2]
    assert np.abs(moved[heights > np.quantile(heights, 0.95)]).mean() < 5
    assert -moved[heights < np.quantile(heights, 0.15)].mean() > 15
    assert enclosed_volume_ml(down) > 1.15 * enclosed_volume_ml(lung)
    drawn = of_lung.random_parameters(np.random.default_rng(0))
    assert drawn.organ_superior_mm == drawn.organ_pitch_deg == 0
    assert of_lung.random_state(np.random.default_rng(1)).field.folding_fraction() == 0


def test_the_wall_stays_while_what_it_holds_slides() -> None:
    model, _, _ = breathing_torso()
    field = model.field(MotionParameters(descent_mm=25.0))
    heights = np.array([-60.0, -20.0])
    wall = np.array([[155.0, 0.0, s] for s in heights])
    inside = np.array([[100.0, 0.0, s] for s in heights])
    spine = np.array([[0.0, -84.0, s] for s in heights])
    assert np.abs(field.at(wall)).max() < 0.5
    assert np.abs(field.at(spine)).max() < 0.5
    assert (field.at(inside)[:, 2] > 20).all()


def test_at_rest_nothing_moves() -> None:
    model, _, organ = breathing_torso()
    state = model.state(MotionParameters())
    assert not state.field.vectors_mm.any()
    np.testing.assert_allclose(state.organ.points, organ.points)
    np.testing.assert_allclose(model.moved_ct(state.field).voxels, model.ct.voxels, atol=1e-3)


@pytest.mark.parametrize("descent_mm", [-30.0, 30.0])
def test_lungs_brighten_as_they_empty_and_keep_their_mass(descent_mm: float) -> None:
    model, _, _ = breathing_torso()
    now = model.moved_ct(model.field(MotionParameters(descent_mm=descent_mm))).voxels
    lungs = [(hu < -400) & (hu > -990) for hu in (model.ct.voxels, now)]
    density = [float(np.median(hu[lung])) + 1000 for hu, lung in zip((model.ct.voxels, now), lungs, strict=True)]
    mass = [float((hu[lung] + 1000).sum()) for hu, lung in zip((model.ct.voxels, now), lungs, strict=True)]
    assert (density[1] > density[0] * 1.05) == (descent_mm < 0)
    assert mass[1] == pytest.approx(mass[0], rel=0.12)
    assert (lungs[1].sum() < lungs[0].sum()) == (descent_mm < 0)


def test_recorded_parameters_make_the_same_state_again() -> None:
    model, _, _ = breathing_torso()
    state = model.random_state(np.random.default_rng(3))
    written = json.loads(json.dumps(state.parameters.as_dict()))
    again = model.state(MotionParameters.from_dict(written))
    np.testing.assert_allclose(again.field.vectors_mm, state.field.vectors_mm, atol=1e-4)
    assert MotionParameters.from_dict(MotionParameters().as_dict()).control_points.size == 0


def test_an_open_or_distant_organ_is_refused() -> None:
    model, _, organ = breathing_torso()
    with pytest.raises(InputError, match="holes"):
        MotionModel(model.ct, SurfaceMesh(organ.points, organ.triangles[1:]), spacing_mm=6.0)
    with pytest.raises(InputError, match="outside"):
        MotionModel(model.ct, SurfaceMesh(organ.points + 5000, organ.triangles), spacing_mm=6.0)


@pytest.mark.parametrize("slices", [42, 43])
def test_a_ct_that_ends_just_above_the_organ_breathes_like_the_whole(slices: int) -> None:
    """As CTs of an abdomen do; this grid ends 4 mm beyond the scan of 43 slices."""
    whole, _, organ = breathing_torso()
    ct = torso()[0]
    cut = MotionModel(Volume(ct.voxels[:slices], ct.ijk_to_ras), organ, spacing_mm=10.0)
    for descent_mm in (-12.0, 12.0):
        state = MotionParameters(descent_mm=descent_mm)
        one, other = (model.moved_organ(model.field(state)).points for model in (whole, cut))
        apart = np.linalg.norm(np.asarray(one) - other, axis=1)
        assert apart.mean() < 1.0
        assert apart.max() < 5.0


@pytest.mark.real_data
def test_a_patient_breathes_without_folds(patient_data) -> None:
    from XRayLib.ct import load_ct, load_volume

    folder = patient_data / "ct"
    ct = load_ct(folder / "chest_lidc0001.nii.gz")
    labels = load_volume(folder / "chest_lidc0001.labels.nii.gz", quantity="label")
    model = MotionModel(ct, organ_template(Volume(labels.voxels, labels.ijk_to_ras, "label"), LIVER, vertices=500))
    volume_ml = enclosed_volume_ml(model.organ)
    for seed in range(6):
        state = model.random_state(np.random.default_rng(seed))
        assert state.field.folding_fraction() < 1e-5
        assert enclosed_volume_ml(state.organ) == pytest.approx(volume_ml, rel=0.08)
    # A deep breath, with all that usually goes with it, is where a registration starts from.
    steered = SteeredMotion(MotionModel(ct, model.organ, spacing_mm=6.0), slow_modes=0)
    for deviations in (-1.2, 1.2):
        assert steered.field(deviations * np.eye(steered.count)[0]).folding_fraction() == 0


def test_a_draw_that_folds_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _, _ = breathing_torso()
    tried: list[MotionParameters] = []

    def folds_at_first(parameters: MotionParameters):
        tried.append(parameters)
        if len(tried) < 3:
            raise InputError("The displacement field cannot be inverted: it folds.")
        return MotionModel.state(model, parameters)

    monkeypatch.setattr(model, "state", folds_at_first)
    state = model.random_state(np.random.default_rng(4))
    assert len(tried) == 3
    assert state.parameters is tried[-1]


def test_an_anatomy_that_always_folds_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _, _ = breathing_torso()

    def folds(_parameters: MotionParameters):
        raise InputError("The displacement field cannot be inverted: it folds.")

    monkeypatch.setattr(model, "state", folds)
    with pytest.raises(InputError, match="larger lungs"):
        model.random_state(np.random.default_rng(4))
