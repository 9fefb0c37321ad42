"""Pixel values of every kind become the line integrals they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from XRayLib.errors import InputError
from XRayLib.radiograph import to_line_integral


def correlation(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    return float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1])


def test_line_integrals_are_taken_as_they_are(chest: NDArray[np.float32]) -> None:
    result = to_line_integral(chest, "line_integral")
    assert np.array_equal(result.image, chest)
    assert result.calibrated
    assert result.mask is None
    assert result.assumptions == ()


def test_transmission_is_logged_exactly(chest: NDArray[np.float32]) -> None:
    result = to_line_integral(np.exp(-chest), "transmission")
    assert np.allclose(result.image, chest, atol=1e-5)
    assert result.calibrated


def test_counts_are_normalised_by_open_beam_and_not_called_calibrated(chest: NDArray[np.float32]) -> None:
    counts = np.rint(31000.0 * np.exp(-chest)).astype(np.uint16)
    result = to_line_integral(counts, "transmission")
    assert np.abs(result.image - chest).max() < 0.02
    assert not result.calibrated


def test_offset_and_gain_of_a_display_image_are_removed(chest: NDArray[np.float32]) -> None:
    shown = (12.0 + 40.0 * chest).astype(np.uint8)
    result = to_line_integral(shown, "display_bone_bright")
    assert correlation(result.image, chest) > 0.999
    assert result.image[:, :10].max() == 0.0
    assert np.percentile(result.image, 99.5) == pytest.approx(5.5, rel=0.01)
    assert not result.calibrated


def test_negative_film_gives_the_same_line_integrals(chest: NDArray[np.float32]) -> None:
    shown = np.rint(40.0 * chest).astype(np.uint8)
    bright = to_line_integral(shown, "display_bone_bright").image
    dark = to_line_integral(255 - shown, "display_bone_dark").image
    assert np.allclose(bright, dark, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda chest: (45 * chest).astype(np.uint8), "bright"),
        (lambda chest: (255 - 45 * chest).astype(np.uint8), "dark"),
        (lambda chest: (800 * chest).astype(np.int16) - 1000, "bright"),
        (lambda chest: 0.9 * chest, "line integrals"),
        (lambda chest: np.rint(60000 * np.exp(-chest)).astype(np.uint16), "proportional"),
        (lambda chest: np.exp(-chest), "proportional"),
    ],
)
def test_kind_is_judged_from_the_image_and_stated(make: object, words: str, chest: NDArray[np.float32]) -> None:
    result = to_line_integral(make(chest))  # type: ignore[operator]
    assert words in result.assumptions[0]
    assert "uncertain" not in result.assumptions[0]
    assert correlation(result.image, chest) > 0.97
    assert not result.calibrated


def test_pixels_outside_a_stated_field_are_masked_and_zero(chest: NDArray[np.float32]) -> None:
    field = np.zeros(chest.shape, dtype=bool)
    field[20:-20, 30:-30] = True
    for kind in ("line_integral", "display_bone_bright"):
        result = to_line_integral(chest, kind, field=field)
        assert result.mask is not None
        assert not (result.mask & ~field).any()
        assert (result.image[~field] == 0).all()
        assert result.image[field].max() > 1


def test_scale_left_out_of_line_integrals_is_noticed(chest: NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="cannot be line integrals"):
        to_line_integral((10000 * chest).astype(np.uint16), "line_integral")


def with_nan(image: NDArray[np.float32]) -> NDArray[np.float32]:
    image = image.copy()
    image[5, 7] = np.nan
    return image


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((64, 64), 7, np.uint8), "empty"),
        (np.ones((1, 1), np.uint8), "too few"),
        (np.zeros((0, 5)), "no image"),
        (np.zeros((64, 64, 64)), "two-dimensional"),
        (with_nan(np.eye(64, dtype=np.float32)), "NaN"),
        (np.eye(64) * 1j, "grey values"),
        (np.array([["a"] * 20] * 20), "grey values"),
        (np.broadcast_to(np.uint8(0), (20000, 20000)), "more than any radiograph"),
    ],
    ids=["constant", "one pixel", "no pixels", "volume", "NaN", "complex", "text", "huge"],
)
def test_what_is_no_radiograph_is_refused_in_one_sentence(pixels: NDArray[np.generic], words: str) -> None:
    with pytest.raises(InputError, match=words):
        to_line_integral(pixels)


def test_unknown_kind_lists_the_known_ones(chest: NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="display_bone_dark"):
        to_line_integral(chest, "density")
