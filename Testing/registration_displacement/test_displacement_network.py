"""The displacement network: what it is taught, what it learns, what is kept of it, what it answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from displacement_settings import SETTINGS
from XRayLib.case import Case, Options
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.motion import DisplacementField, MotionModel
from XRayLib.preparation.motion_films import MotionFilm, organ_window
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.prepared_method import prepared_method
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.simulate import c_arm_views, simulate_radiograph
from XRayRegistrationLib.displacement.network_input import FIELD_NODES, field_grid_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.fixture(scope="module")
def task(motion: MotionModel):
    from XRayRegistrationLib.displacement.task import DisplacementTask

    settings = MotionPreparationSettings.from_mapping(SETTINGS).completed(DisplacementTask.defaults)
    modes = motion.modes(settings.modes, np.random.default_rng(0), states=settings.states)
    return DisplacementTask(motion, organ_window(motion.organ.points), modes, settings)


def test_without_its_decoder_the_field_is_that_of_the_modes(task, motion: MotionModel) -> None:
    modes = motion.modes(SETTINGS["modes"], np.random.default_rng(0), states=SETTINGS["states"])
    network, batch = task.network(), task.batch(task.films().batch(0))
    inputs = [batch[name] for name in task.inputs]
    grid = field_grid_of(motion.ct)
    for strengths in (np.zeros(4), np.array([1.5, -0.5, 0.0, 2.0])):
        with torch.no_grad():
            network.strengths.weight.zero_()
            network.answer.weight.zero_()
            network.strengths.bias.copy_(torch.from_numpy(strengths))
            found = np.moveaxis(network(*inputs)[0].numpy(), 0, -1)
        expected = modes.field(strengths).on_grid(grid.shape_kji, grid.ijk_to_ras).vectors_mm
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_target_leads_from_where_the_ct_is_assumed_to_the_ct(motion: MotionModel) -> None:
    from XRayRegistrationLib.displacement.task import total_displacement

    field = motion.field(replace(motion.random_parameters(np.random.default_rng(0)), descent_mm=15.0))
    error = motion_from_twist([0.02, -0.03, 0.01, 3.0, -2.0, 4.0], motion.ct.center_ras_mm)
    film = MotionFilm(None, None, None, error, field)
    in_ct = np.asarray(motion.organ.points)
    assumed = field.moved(in_ct) @ error[:3, :3].T + error[:3, 3]
    np.testing.assert_allclose(assumed + total_displacement(film, assumed), in_ct, atol=0.02)


def test_a_batch_shows_film_and_ct_from_the_same_direction(task) -> None:
    batch = task.batch(task.films().batch(0))
    assert batch["contrasts"].shape == batch["projection"].shape == (2, 2, 64, 64)
    assert batch["direction"].shape == (2, 6)
    assert batch["target"].shape == (2, 3, FIELD_NODES, FIELD_NODES, FIELD_NODES)
    for film, projection in zip(batch["contrasts"], batch["projection"], strict=True):
        assert np.corrcoef(film[0].ravel(), projection[0].ravel())[0, 1] > 0.3


def test_it_learns_one_batch_by_heart(task) -> None:
    torch.manual_seed(0)
    network, batch = task.network(), task.batch(task.films().batch(0))
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    errors = []
    for _ in range(60):
        optimiser.zero_grad()
        loss, error_mm = task.loss(network, batch)
        loss.backward()
        optimiser.step()
        errors.append(error_mm)
    assert errors[-1] < 0.5 * errors[0]


def test_what_lies_in_air_or_far_from_the_organ_counts_less(task, motion: MotionModel) -> None:
    weights = task._weights
    assert set(np.unique(weights).round(3)) == {0.0, np.float32(0.1), 1.0}
    near = DisplacementField.identity(field_grid_of(motion.ct).shape_kji, field_grid_of(motion.ct).ijk_to_ras)
    nodes = np.rint(np.linalg.inv(near.ijk_to_ras) @ [*motion.organ.points.mean(axis=0), 1]).astype(int)[:3]
    assert weights[tuple(nodes[::-1])] == 1


def test_the_bundle_says_what_was_measured_and_how_to_read_it(prepared: Path) -> None:
    from XRayLib.bundle import load_bundle
    from XRayLib.runtime import verify_bundle

    bundle = load_bundle(prepared)
    assert bundle.manifest["task"] == "deform2d3d"
    assert bundle.manifest["preparation"]["field_shape_kji"] == [FIELD_NODES] * 3
    measured = bundle.manifest["preparation"]["validation"]
    assert measured["films"] == 2
    assert measured["nominal_mtre_mm"] > 0
    assert verify_bundle(bundle, "cpu").passed


def test_a_case_is_registered_with_it(prepared: Path, ct: Volume, motion: MotionModel) -> None:
    method = prepared_method("displacement-field")
    assert method.preparation_state(ct, motion.organ)["finished"]
    views = c_arm_views(ct, [(0, 0), (90, 0)], size_px=(96, 96), pixel_spacing_mm=4.6)
    case = Case(tuple(simulate_radiograph(ct, view) for view in views), ct=ct, mesh=motion.organ)
    case = replace(case, initial_ct_to_world=np.eye(4))
    result = method.run(case, Options(device="cpu", extra={"initialisation": "given"}), lambda *_: None)
    assert result.deformation.vectors_mm.shape == (FIELD_NODES,) * 3 + (3,)
    assert result.quality["folding_fraction"] == 0
    # Hardly trained, it hardly deforms; the pose is that of the rigid registration.
    np.testing.assert_allclose(result.ct_to_world, np.eye(4), atol=0.5)
    assert np.abs(result.deformation.vectors_mm).max() < 20
    assert result.mesh.scalars["displacement_mm"].shape == (len(motion.organ.points),)
    assert any("not been checked" in warning for warning in result.warnings)
    assert result.provenance["bundle"]["id"] == "displacement-field"


def test_a_pose_that_is_to_be_kept_is_kept(prepared: Path, ct: Volume, motion: MotionModel) -> None:
    given = motion_from_twist([0.0, 0.0, 0.0, 0.0, 30.0, 0.0], ct.center_ras_mm)  # along the beam: hardly seen
    view = c_arm_views(ct, [(0, 0)], size_px=(96, 96), pixel_spacing_mm=4.6)[0]
    case = Case((simulate_radiograph(ct, view),), ct=ct, mesh=motion.organ, initial_ct_to_world=given)
    kept = Options(device="cpu", extra={"refine": False})
    found = prepared_method("displacement-field").run(case, kept, lambda *_: None)
    np.testing.assert_allclose(found.ct_to_world, given)


def test_without_preparation_it_says_what_to_do(ct: Volume, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XRAY3D_CACHE", str(tmp_path))
    views = c_arm_views(ct, [(0, 0)], size_px=(96, 96), pixel_spacing_mm=4.6)
    case = Case((simulate_radiograph(ct, views[0]),), ct=ct)
    with pytest.raises(InputError, match="has not been trained"):
        prepared_method("displacement-field").run(case, Options(device="cpu"), lambda *_: None)
