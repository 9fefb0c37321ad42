"""How a fit goes from level to level."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from XRayRegistrationLib.deformable.fitting import fit
from XRayRegistrationLib.deformable.matching import DeformedState
from XRayRegistrationLib.deformable.organ_volume import VolumeChange

STARTS = [np.array([descent]) for descent in np.linspace(-1.5, 1.5, 13)]


class Valleys:
    """A match of one parameter with a valley at each place: (where, how high its floor is)."""

    motion = SimpleNamespace(deviations=np.ones(1))

    def __init__(self, *valleys: tuple[float, float]) -> None:
        self.valleys = valleys

    def match(self, parameters: np.ndarray, with_slopes: bool = True) -> DeformedState:
        where, floor = min(self.valleys, key=lambda valley: valley[1] + 0.2 * (parameters[0] - valley[0]) ** 2)
        away = parameters[0] - where
        hessian, gradient = np.array([[0.2]]), np.array([-0.2 * away])
        cost = floor + 0.2 * away**2
        return DeformedState(parameters, cost, 1 - cost, hessian, gradient, 5000.0, VolumeChange(0.0, np.zeros(1)))


def test_a_coarse_level_brings_the_fit_near() -> None:
    found = fit([Valleys((1.1, 0.3)), Valleys((1.2, 0.1))], STARTS)
    assert found.parameters[0] == pytest.approx(1.2, abs=0.05)


def test_a_coarse_level_that_noise_leads_astray_does_not_decide() -> None:
    astray = Valleys((-1.0, 0.3), (1.0, 0.31))
    finer = Valleys((-1.0, 0.3), (1.0, 0.1))
    assert fit([astray], STARTS).parameters[0] == pytest.approx(-1.0, abs=0.05)
    assert fit([astray, finer], STARTS).parameters[0] == pytest.approx(1.0, abs=0.05)


def test_where_only_the_start_matches_at_all_the_fit_goes_on_from_there() -> None:
    found = fit([Valleys((-1.4, 0.2)), Valleys((-1.4, 0.5), (0.2, 0.05))], [np.array([0.3])])
    assert found.parameters[0] == pytest.approx(0.2, abs=0.05)
