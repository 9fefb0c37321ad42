"""Principal modes of a patient's motion."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from moving_bodies import breathing_torso
from XRayLib.errors import InputError
from XRayLib.motion import DeformationModes

MODES = 12


@cache
def modes() -> DeformationModes:
    model, _, _ = breathing_torso()
    return model.modes(MODES, np.random.default_rng(0), states=48)


def test_a_few_modes_hold_most_of_the_motion() -> None:
    assert modes().count == MODES
    assert modes().explained.sum() > 0.97
    assert (np.diff(modes().explained) <= 0).all()


def test_new_states_lie_near_the_modes() -> None:
    model, _, organ = breathing_torso()
    rng = np.random.default_rng(99)
    moved = np.stack([model.random_state(rng).organ.points - organ.points for _ in range(12)])
    found = [modes().organ_displacement_mm(modes().organ_coefficients(state)) for state in moved]
    assert np.square(np.stack(found) - moved).mean() < 0.03 * np.square(moved).mean()


def test_field_and_organ_go_together() -> None:
    _, _, organ = breathing_torso()
    coefficients = np.zeros(MODES)
    coefficients[0] = 1.0
    by_field = modes().field(coefficients).moved(organ.points) - organ.points
    by_vertices = modes().organ_displacement_mm(coefficients)
    assert np.linalg.norm(by_field - by_vertices, axis=1).mean() < 2.5  # the grid is coarse at the sliding wall
    assert np.linalg.norm(by_vertices, axis=1).mean() > 10


def test_usual_coefficients_hardly_fold() -> None:
    rng = np.random.default_rng(1)
    for _ in range(6):
        assert modes().field(rng.normal(0, 1, MODES)).folding_fraction() < 0.002


def test_as_many_coefficients_as_modes_are_needed() -> None:
    with pytest.raises(InputError, match="12 coefficients"):
        modes().field(np.zeros(3))
    model, _, _ = breathing_torso()
    with pytest.raises(InputError, match="fewer modes"):
        model.modes(8, np.random.default_rng(0), states=8)
