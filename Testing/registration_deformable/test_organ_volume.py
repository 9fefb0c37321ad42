"""An organ that is full of blood keeps its volume while it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from XRayLib.case import Case
from XRayLib.motion import DisplacementField, SteeredMotion
from XRayRegistrationLib.deformable.anatomy import deformed_matchers, working_ct
from XRayRegistrationLib.deformable.body_motion import BodyMotion, body_motion
from XRayRegistrationLib.deformable.fitting import fit, posterior
from XRayRegistrationLib.deformable.organ_volume import VOLUME_DEVIATION, volume_change
from XRayRegistrationLib.rigid.coarse_to_fine import levels_of
from XRayRegistrationLib.rigid.patient import patient_of


def linear_field(matrix: np.ndarray, shift_mm: tuple[float, float, float], like: DisplacementField, middle: np.ndarray):
    """p_ct - p = shift + matrix (p - middle)."""
    vectors = (like.voxel_points() - middle) @ matrix.T + shift_mm
    return DisplacementField(vectors.astype(np.float32), like.ijk_to_ras)


@pytest.fixture(scope="module")
def motion(patient) -> BodyMotion:
    soft = SteeredMotion(patient.model, 60)
    return body_motion(patient.ct, np.eye(4), patient.ct.center_ras_mm, soft=soft)


def test_volume_is_that_of_the_deformation(patient, motion: BodyMotion) -> None:
    middle = patient.liver.points.mean(axis=0)
    shifted = linear_field(np.zeros((3, 3)), (3.0, -2.0, 9.0), motion.grid, middle)
    assert volume_change(patient.liver, shifted, [], 6).share == pytest.approx(0, abs=1e-5)
    swollen = linear_field(np.diag([-0.02, 0.01, -0.03]), (0.0, 0.0, 5.0), motion.grid, middle)
    assert volume_change(patient.liver, swollen, [], 6).share == pytest.approx(1 / (0.98 * 1.01 * 0.97) - 1, rel=1e-3)


def test_slope_is_that_of_the_volume(motion: BodyMotion) -> None:
    """Of smooth parts; what slides along the wall tears the surface a little."""
    organ, first = motion.incompressible, motion.number - 60
    rest = np.zeros(motion.number)
    rest[6] = 0.4
    found = volume_change(organ, motion.field(rest), motion.derivatives(rest), motion.number)
    assert not found.slope[:6].any()
    numbers = [first + n for n in np.argsort(-np.abs(found.slope[first:]))[:5]]
    for number in numbers:
        step = 0.2 * (np.arange(motion.number) == number)
        ahead, behind = (
            volume_change(organ, motion.field(p), [], motion.number).share for p in (rest + step, rest - step)
        )
        assert found.slope[number] == pytest.approx((ahead - behind) / 0.4, rel=0.15)
    assert np.linalg.norm(found.slope[first:]) > 0.25 * VOLUME_DEVIATION


def test_a_lung_may_change_its_volume(motion: BodyMotion) -> None:
    model = SimpleNamespace(thorax=replace(motion.soft.model.thorax, organ_is_lung=True), organ=motion.incompressible)
    assert replace(motion, soft=SimpleNamespace(model=model)).incompressible is None
    assert replace(motion, soft=None).incompressible is None


def test_a_fit_keeps_the_volume_and_knows_it(patient, motion: BodyMotion, films_of: Callable[..., tuple]) -> None:
    """Beside the same fit to an organ that may swell."""
    case, truth = films_of(12.0, (0.0,))
    case = Case(tuple(replace(f, geometry=f.geometry.moved(truth.pose)) for f in case.radiographs), ct=patient.ct)
    levels = levels_of(patient_of(case.ct, case.radiographs, "cpu"), case.radiographs).without_table[:1]
    (matcher,) = deformed_matchers(working_ct(patient.ct, with_table=False), levels, motion, "cpu")
    start = np.zeros(motion.number)
    state = fit([matcher], [start])
    assert abs(state.volume.share) < 2 * VOLUME_DEVIATION
    assert state.similarity > matcher.match(start, with_slopes=False).similarity + 0.02
    found = posterior(state, matcher, state.observations)
    spread = float(np.sqrt(state.volume.slope @ found.covariance @ state.volume.slope))
    assert spread < 1.001 * VOLUME_DEVIATION
    freely = np.linalg.inv(np.linalg.inv(found.covariance) - state.volume.precision)
    assert state.volume.slope @ freely @ state.volume.slope > 1.3 * spread**2
