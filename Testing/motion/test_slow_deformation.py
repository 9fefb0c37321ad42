"""Slow deformation: its modes against the Gaussian process that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.motion.slow_deformation import ELSEWHERE_MM, LENGTH_MM, WHERE_FIRM, SlowDeformation, slow_deformation

SPACING_MM = 24.0
SHAPE = (9, 8, 7)
SOFT = np.zeros(SHAPE)


def covariance(found: SlowDeformation, component: int, one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return float(found.modes_mm[(slice(None), *one, component)] @ found.modes_mm[(slice(None), *other, component)])


def test_all_modes_together_are_the_process() -> None:
    found = slow_deformation(SOFT, SPACING_MM, 3 * SOFT.size)
    assert found.left_out_mm.max() < 0.05
    for component, deviation_mm in enumerate(ELSEWHERE_MM):
        for other, apart in (((4, 3, 2), 0.0), ((5, 3, 2), 1.0), ((4, 5, 2), 2.0), ((5, 4, 3), np.sqrt(3))):
            expected = deviation_mm**2 * np.exp(-0.5 * (apart * SPACING_MM / LENGTH_MM) ** 2)
            assert covariance(found, component, (4, 3, 2), other) == pytest.approx(expected, rel=1e-3, abs=1e-2)
    across = found.modes_mm[:, 4, 3, 2].T @ found.modes_mm[:, 4, 3, 2]
    np.testing.assert_allclose(across, np.diag(np.square(ELSEWHERE_MM)), atol=1e-2)


def test_what_few_modes_leave_out_is_told() -> None:
    found = slow_deformation(SOFT, SPACING_MM, 150)
    reached = np.square(found.modes_mm).sum(axis=(0, -1))
    np.testing.assert_allclose(reached + found.left_out_mm**2, np.sum(np.square(ELSEWHERE_MM)), rtol=1e-4)
    assert np.square(found.left_out_mm).mean() < 0.5 * np.sum(np.square(ELSEWHERE_MM))
    sizes = np.square(found.modes_mm).sum(axis=(1, 2, 3, 4))
    assert (np.diff(sizes) <= 1e-3).all()


def test_what_is_firm_deforms_less() -> None:
    share = SOFT.copy()
    share[4, 3, 2] = 1.0
    soft, firm = slow_deformation(SOFT, SPACING_MM, 300), slow_deformation(share, SPACING_MM, 300)
    np.testing.assert_allclose(firm.modes_mm[:, 4, 3, 2], WHERE_FIRM * soft.modes_mm[:, 4, 3, 2], rtol=1e-5)
    np.testing.assert_array_equal(firm.modes_mm[:, 0], soft.modes_mm[:, 0])
    assert firm.left_out_mm[4, 3, 2] == pytest.approx(WHERE_FIRM * soft.left_out_mm[4, 3, 2])


def test_numbers_add_up() -> None:
    found = slow_deformation(SOFT, SPACING_MM, 20)
    values = np.random.default_rng(0).normal(size=20)
    expected = sum(value * mode for value, mode in zip(values, found.modes_mm, strict=True))
    np.testing.assert_allclose(found.displacement_mm(values), expected, atol=1e-5)
