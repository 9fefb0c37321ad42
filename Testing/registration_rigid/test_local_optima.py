"""The way out of a local optimum."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.projector.rigid import motion_from_twist
from XRayRegistrationLib.rigid.coarse_to_fine import EXHAUSTIVE_LEVEL, Levels, Refinement, levels_of, refine
from XRayRegistrationLib.rigid.local_optima import best_nearby
from XRayRegistrationLib.rigid.patient import patient_of


@pytest.fixture(scope="module")
def true_pose(pose_of) -> np.ndarray:
    return pose_of((7.0, -5.0, 8.0), (15.0, -30.0, -10.0))


@pytest.fixture(scope="module")
def levels(make_case, true_pose) -> Levels:
    """Of one film of few photons."""
    case = make_case(true_pose, 1, "hard", seed=4)
    return levels_of(patient_of(case.ct, case.radiographs, "cpu"), case.radiographs)


@pytest.fixture(scope="module")
def astray(phantom, levels, true_pose) -> Refinement:
    """A refinement that ended in a local optimum."""
    rng = np.random.default_rng(0)
    _, (rotation_deg, shift_mm) = ((rng.normal(0, 6, 3), rng.normal(0, 9, 3)) for _ in range(2))
    start = motion_from_twist([*np.deg2rad(rotation_deg), *shift_mm], phantom.center_ras_mm) @ true_pose
    return refine(levels, [start], first_level=EXHAUSTIVE_LEVEL)


@pytest.fixture(scope="module")
def found(levels, astray) -> Refinement:
    return best_nearby(levels, astray)


def test_the_better_optimum_around_is_found(astray, found, true_pose, mtre_mm) -> None:
    assert mtre_mm(true_pose, astray.best.ct_to_world) > 20
    assert mtre_mm(true_pose, found.best.ct_to_world) < 1
    assert found.levels[EXHAUSTIVE_LEVEL][0].evidence > astray.levels[EXHAUSTIVE_LEVEL][0].evidence
    np.testing.assert_array_equal(found.start_of_best, astray.start_of_best)


def test_where_it_began_is_no_second_solution(found) -> None:
    assert len(found.levels[EXHAUSTIVE_LEVEL]) == 1


def test_the_best_optimum_is_left_alone(levels, true_pose) -> None:
    best = refine(levels, [true_pose], first_level=EXHAUSTIVE_LEVEL)
    assert best_nearby(levels, best) is best


def test_poses_that_are_not_plausible_are_not_taken(levels, astray) -> None:
    ended = astray.best.ct_to_world
    assert best_nearby(levels, astray, lambda pose: np.linalg.norm(pose - ended) < 1e-3) is astray


def test_it_can_be_stopped(levels, astray) -> None:
    class Stopped(Exception):
        pass

    def stop(_round: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        best_nearby(levels, astray, on_round=stop)
