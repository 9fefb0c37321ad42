"""Collimators are found where they are, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from XRayLib.radiograph import load_radiograph, to_line_integral
from XRayLib.radiograph.collimation import find_exposed_field

SHAPE = (480, 512)


@pytest.fixture(scope="module")
def anatomy() -> NDArray[np.float64]:
    """A trunk that fills the image, 0.3 to 1, with the noise of an exposure."""
    down, across = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    lungs = sum(np.exp(-(((across - side) / 0.25) ** 4) - (down / 0.6) ** 4) for side in (-0.45, 0.45))
    ribs = 0.05 * np.sin(18 * down + 4 * np.abs(across))
    noise = np.random.default_rng(0).normal(scale=0.01, size=SHAPE)
    return 0.85 - 0.45 * lungs + ribs + 0.1 * np.exp(-((across / 0.1) ** 4)) + noise


def rectangle(turn_deg: float, half_width: float = 200.0, half_height: float = 180.0) -> NDArray[np.bool_]:
    """True inside a turned rectangle about the image's middle."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    x, y = column - (SHAPE[1] - 1) / 2, row - (SHAPE[0] - 1) / 2
    cosine, sine = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    return (np.abs(cosine * x + sine * y) < half_width) & (np.abs(cosine * y - sine * x) < half_height)


def round_field(radius: float, centre: tuple[float, float] = (255.5, 239.5)) -> NDArray[np.bool_]:
    """True inside a circle about (column, row), the image's middle."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (column - centre[0]) ** 2 + (row - centre[1]) ** 2 < radius**2


def assert_covers(found: NDArray[np.bool_] | None, true: NDArray[np.bool_]) -> None:
    assert found is not None
    assert (found & ~true).mean() < 0.002  # no glow left
    assert (true & ~found).mean() < 0.06  # little anatomy lost


@pytest.mark.parametrize("turn_deg", [0.0, 3.0, -7.5, 15.0])
@pytest.mark.parametrize("outside", [0.0, 1.1], ids=["black", "white"])
def test_turned_rectangle_is_found(anatomy: NDArray[np.float64], turn_deg: float, outside: float) -> None:
    field = rectangle(turn_deg)
    found, sentence = find_exposed_field(np.where(field, anatomy, outside))
    assert_covers(found, field)
    assert "4 straight" in sentence


def test_scattered_glow_behind_the_blades_is_masked(anatomy: NDArray[np.float64]) -> None:
    from scipy.ndimage import gaussian_filter

    field = rectangle(0.0)
    shadow = 0.15 + 0.1 * gaussian_filter(field.astype(float), 25.0)
    found, _ = find_exposed_field(gaussian_filter(np.where(field, anatomy, shadow), 0.8))
    assert_covers(found, field)


def test_one_sided_shadow_is_found(anatomy: NDArray[np.float64]) -> None:
    image = anatomy.copy()
    image[:, :70] = 0.02
    found, sentence = find_exposed_field(image)
    assert found is not None
    assert not found[:, :70].any()
    assert found[:, 80:].all()
    assert "1 straight" in sentence


@pytest.mark.parametrize(
    ("centre", "radius"), [((255.5, 239.5), 235.0), ((270.0, 232.0), 228.0), ((255.5, 239.5), 262.0)]
)
def test_round_shutter_is_found(anatomy: NDArray[np.float64], centre: tuple[float, float], radius: float) -> None:
    field = round_field(radius, centre)
    found, sentence = find_exposed_field(np.where(field, anatomy, 0.0))
    assert_covers(found, field)
    assert "round" in sentence


def written_on(image: NDArray[np.float64], value: float) -> NDArray[np.uint8]:
    """8 bits, with a patient's number in the lower left corner, the date in an upper one and a lead letter."""
    import cv2

    picture = np.clip(200 * image, 0, 255).astype(np.uint8)
    for text, place, size in (("4711 SMITH", (4, 474), 0.6), ("2026-11-22", (400, 18), 0.6), ("R", (440, 100), 1.2)):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, int(200 * value), 2)
    return picture


@pytest.mark.parametrize(("outside", "ink"), [(0.0, 1.1), (1.2, 0.0)], ids=["black", "white"])
def test_a_round_field_is_found_behind_what_the_console_wrote(
    anatomy: NDArray[np.float64], outside: float, ink: float
) -> None:
    field = round_field(205.0)
    found, sentence = find_exposed_field(written_on(np.where(field, anatomy, outside), ink))
    assert_covers(found, field)
    assert "round" in sentence


def test_a_round_field_of_a_bright_middle_and_a_dark_rim_is_found(anatomy: NDArray[np.float64]) -> None:
    """As a thick patient in a wide beam looks: the step at the blanked rim is small beside the middle."""
    row, column = np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j]
    field = round_field(200.0)
    glow = 0.12 + np.exp(-((row / 0.45) ** 4) - (column / 0.45) ** 4) + 0.1 * (anatomy - 0.85)
    found, sentence = find_exposed_field((200 * np.where(field, glow, 0.0)).astype(np.uint8))
    assert_covers(found, field)
    assert "round" in sentence


def test_uncollimated_anatomy_keeps_its_whole_field(anatomy: NDArray[np.float64], chest: NDArray[np.float32]) -> None:
    for image in (anatomy, chest):
        field, sentence = find_exposed_field(image)
        assert field is None
        assert sentence == ""


@pytest.mark.parametrize("radius", [0.9, 0.7, 0.5])
@pytest.mark.parametrize("tone", [1.0, 0.8, 1.6])
def test_ball_in_air_is_not_a_shutter(radius: float, tone: float) -> None:
    row, column = np.mgrid[-1:1:300j, -1:1:300j]
    field, _ = find_exposed_field(np.sqrt(np.maximum(0.0, radius**2 - row**2 - column**2)) ** tone)
    assert field is None


def test_shadow_does_not_glow_in_the_line_integral(anatomy: NDArray[np.float64]) -> None:
    """An unexposed border is as bright as the densest bone on the film."""
    field = rectangle(4.0)
    result = to_line_integral((200 * np.where(field, anatomy, 1.2)).astype(np.uint8), "display_bone_bright")
    assert result.mask is not None
    assert (result.image[~result.mask] == 0).all()
    assert (result.mask & ~field).mean() < 0.002


def test_a_straight_flank_beside_an_arm_is_no_blade() -> None:
    film = load_radiograph(Path(__file__).parents[2] / "Resources" / "SampleData" / "torso_pa.dcm")
    assert film.mask is None
