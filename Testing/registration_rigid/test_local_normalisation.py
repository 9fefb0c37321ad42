"""Locally normalised images: what they are blind to, and their derivative."""

from __future__ import annotations

import numpy as np
import pytest
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows, columns = np.indices((48, 56))
    return (np.sin(rows / 5) + np.cos(columns / 4) + 0.1 * rng.normal(size=rows.shape)).astype(np.float32)


def whole(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape, bool)


def test_gain_and_offset_change_nothing(image: np.ndarray) -> None:
    normaliser = LocalNormaliser(whole(image), 13)
    changed = 0.2 * image + 7
    np.testing.assert_allclose(
        normaliser.normalise(changed, normaliser.floor(changed)),
        normaliser.normalise(image, normaliser.floor(image)),
        atol=2e-3,
    )


def test_neighbourhoods_have_mean_0_and_deviation_1(image: np.ndarray) -> None:
    normaliser = LocalNormaliser(whole(image), 13)
    uneven = np.random.default_rng(3).normal(size=image.shape) * np.linspace(1, 9, image.shape[1]) + 20
    normalised = normaliser.normalise(uneven.astype(np.float32), normaliser.floor(uneven.astype(np.float32)))
    for part in np.array_split(normalised, 3, axis=1):
        assert abs(part.mean()) < 0.1
        assert part.std() == pytest.approx(1.0, abs=0.15)


def test_masked_pixels_do_not_enter(image: np.ndarray) -> None:
    mask = whole(image)
    mask[10:20, 10:30] = False
    normaliser = LocalNormaliser(mask, 9)
    spoilt = np.where(mask, image, 1000).astype(np.float32)
    floor = normaliser.floor(image)
    assert normaliser.floor(spoilt) == floor
    np.testing.assert_allclose(normaliser.normalise(spoilt, floor), normaliser.normalise(image, floor), atol=1e-4)
    assert (normaliser.normalise(image, floor)[~mask] == 0).all()


def test_the_derivative_is_that_of_finite_differences(image: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    jacobian = rng.normal(size=(2, *image.shape)).astype(np.float32)
    normaliser = LocalNormaliser(whole(image), 11)
    floor, step = normaliser.floor(image), 1e-2
    _, derivative = normaliser.normalise_with_jacobian(image, jacobian, floor)
    for change, expected in zip(jacobian, derivative, strict=True):
        ahead = normaliser.normalise(image + step * change, floor)
        behind = normaliser.normalise(image - step * change, floor)
        numeric = (ahead - behind) / (2 * step)
        assert np.linalg.norm(numeric - expected) < 0.02 * np.linalg.norm(expected)


def test_noise_is_told_from_structure(image: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    normaliser = LocalNormaliser(whole(image), 13)
    smooth = np.sin(np.indices(image.shape)[0] / 2).astype(np.float32)
    noise = rng.normal(size=image.shape).astype(np.float32)
    assert normaliser.signal_share(smooth).mean() > 0.9
    assert normaliser.signal_share(noise).mean() < 0.2
    half = normaliser.signal_share(smooth + np.float32(smooth.std()) * noise).mean()
    assert 0.4 < half < 0.6


def test_a_small_object_in_much_air_keeps_its_contrast() -> None:
    image = np.zeros((60, 60), np.float32)
    image[25:35, 25:35] = 1 + np.random.default_rng(0).random((10, 10), dtype=np.float32)
    normaliser = LocalNormaliser(whole(image), 9)
    assert normaliser.floor(image) > 1e-4
    assert normaliser.floor(np.zeros_like(image)) == 0
