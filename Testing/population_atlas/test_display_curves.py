"""Films show line integrals through curves of which only the size is known."""

from __future__ import annotations

import numpy as np
import pytest
from chests import chest, film
from X2CTReconLib.population_atlas.display_curves import CURVE_DEVIATIONS, WIDEST, DisplayCurves, as_contrasty
from XRayLib.tomography import films_at

SEEN = np.ones((2, 9, 11), bool)


def projected() -> np.ndarray:
    return np.random.default_rng(1).normal(3.0, 1.5, SEEN.shape).astype(np.float32)


def test_the_slope_is_that_of_the_curve():
    curves, weights = (
        DisplayCurves((False, False), SEEN),
        np.array([[0.5, -1, 1, 0.7], [1, 0.3, -0.8, 0.4]], np.float32),
    )
    images = projected()
    inner = np.abs(images - images.mean(axis=(1, 2), keepdims=True)) < 0.9 * WIDEST * 1.3
    step = np.float32(1e-2)
    up, down = images.copy(), images.copy()  # one pixel each: mean and contrast of the film hardly move
    up[:, 4, 5] += step
    down[:, 4, 5] -= step
    measured = (curves.shown(up, weights) - curves.shown(down, weights))[:, 4, 5] / (2 * step)
    assert inner[:, 4, 5].all()
    np.testing.assert_allclose(curves.slope(images, weights)[:, 4, 5], measured, atol=0.05)


def test_curves_are_of_their_stated_size_and_calibrated_films_have_none():
    images = projected()
    terms = DisplayCurves((False, True), SEEN).terms(images)
    size = np.sqrt((terms[0] ** 2).mean(axis=(1, 2))) / images[0].std()
    np.testing.assert_allclose(size[:3], CURVE_DEVIATIONS[:3], rtol=0.25)
    assert not terms[1].any()
    np.testing.assert_array_equal(DisplayCurves((True, True), SEEN).shown(images, np.ones((2, 4), np.float32)), images)


def test_uncalibrated_films_get_the_contrast_of_the_projection():
    exact = films_at([film(chest(), 0.0), film(chest(), 90.0)], 20.0)
    seen = np.ones(exact.images.shape, bool)
    raw = 0.2 * exact.images + 5
    films = type(exact)(exact.geometries, raw, exact.weights, (False, True))
    found = as_contrasty(films, exact.images, seen).images
    np.testing.assert_allclose(found[0], exact.images[0], atol=1e-3)
    np.testing.assert_array_equal(found[1], raw[1])


def test_a_film_without_anything_to_compare_stays_as_it_is():
    exact = films_at([film(chest(), 0.0)], 20.0)
    films = type(exact)(exact.geometries, exact.images, exact.weights, (False,))
    nothing = np.zeros(exact.images.shape, bool)
    assert as_contrasty(films, exact.images, nothing).images == pytest.approx(exact.images)
