"""Displacements by sizes, places and splines, and volumes displaced by them."""

from __future__ import annotations

import numpy as np
import pytest
from X2CTReconLib.population_atlas.deformed import deformed, deformed_with_gradient
from X2CTReconLib.population_atlas.displacement import (
    PLACE_DEVIATION_MM,
    SIZE_DEVIATION,
    SmoothDisplacement,
    cubic_b_splines,
)


def test_the_adjoint_is_exact():
    displacement, rng = SmoothDisplacement(12, 240.0), np.random.default_rng(1)
    parameters = rng.standard_normal(displacement.count).astype(np.float32)
    field = rng.standard_normal((3, 12, 12, 12)).astype(np.float32)
    forward = float((displacement.displacement_mm(parameters) * field).sum())
    assert forward == pytest.approx(float((parameters * displacement.adjoint(field)).sum()), rel=1e-4)


@pytest.mark.parametrize("axis", range(3))
def test_the_first_parameters_are_sizes_and_places(axis):
    displacement = SmoothDisplacement(10, 200.0)
    parameters = np.zeros(displacement.count, np.float32)
    parameters[axis], parameters[3 + axis] = 2.0, 0.5
    found = np.moveaxis(displacement.displacement_mm(parameters)[axis], axis, 0)
    wanted = 2 * SIZE_DEVIATION * (20 * (np.arange(10) + 0.5) - 100) + 0.5 * PLACE_DEVIATION_MM
    np.testing.assert_allclose(found[:, 3, 4], wanted, rtol=1e-5)


def test_splines_share_every_place_among_their_points():
    splines = cubic_b_splines(8, 40)
    np.testing.assert_allclose(splines.sum(axis=1), 1, rtol=1e-6)
    assert (splines > 0).any(axis=0).all()


def test_a_volume_is_sampled_where_the_displacement_points():
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None, None], (8, 8, 8)).copy()
    moved = np.zeros((3, 8, 8, 8), np.float32)
    moved[0] = 5.0
    values, slopes = deformed_with_gradient(ramp, moved, 10.0)
    np.testing.assert_allclose(values[:7], ramp[:7] + 0.5, atol=1e-5)
    np.testing.assert_allclose(slopes[0][:6], 0.1, atol=1e-5)
    np.testing.assert_allclose(slopes[1:], 0, atol=1e-6)
    np.testing.assert_array_equal(values, deformed(ramp, moved, 10.0))
