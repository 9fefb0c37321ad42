"""A changed tone passes, moved anatomy is caught."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from films_to_transfer import chest_film, warped
from scipy import ndimage
from XRayLib.style_transfer.anatomy_check import LARGEST_MOVE_PX, check_anatomy
from XRayLib.style_transfer.square_film import SquareFilm

TONES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "the same": lambda film: film,
    "darker": lambda film: film**1.8,
    "steeper": lambda film: 1 / (1 + np.exp(-8 * (film - 0.5))),
    "flattened": lambda film: 0.6 * film + 0.4 * ndimage.gaussian_filter(film, 8),
    "sharpened": lambda film: film + 0.5 * (film - ndimage.gaussian_filter(film, 8)),
    "softer": lambda film: ndimage.gaussian_filter(film, 1),
    "noisier": lambda film: film + 0.01 * np.random.default_rng(0).standard_normal(film.shape),
}
MOTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "warped by 3 pixels": lambda film: warped(film, 3.0),
    "warped and darker": lambda film: warped(film, 3.0, seed=1) ** 1.8,
    "shifted by 2 pixels": lambda film: np.roll(film, 2, axis=1),
    "turned over": lambda film: film[:, ::-1],
    "inverted": lambda film: 1 - film,
    "larger by a tenth": lambda film: ndimage.zoom(film, 1.1, order=1)[4:100, 4:81],
}


@pytest.fixture(scope="module", params=[0.0, 90.0], ids=["frontal", "lateral"])
def film(request: pytest.FixtureRequest) -> np.ndarray:
    square = SquareFilm.of(chest_film(request.param))
    return square.inner(square.image)


@pytest.mark.parametrize("tone", TONES)
def test_a_change_of_tone_passes(film: np.ndarray, tone: str) -> None:
    check = check_anatomy(film, np.ascontiguousarray(TONES[tone](film), dtype=np.float32))
    assert check.passed, check
    assert check.tiles > 5


@pytest.mark.parametrize("motion", MOTIONS)
def test_moved_anatomy_is_caught(film: np.ndarray, motion: str) -> None:
    check = check_anatomy(film, np.ascontiguousarray(MOTIONS[motion](film), dtype=np.float32))
    assert not check.passed, check


@pytest.mark.parametrize("shift", [(0, 2), (3, 0), (2, -3)])
def test_the_displacement_is_measured(shift: tuple[int, int]) -> None:
    film = SquareFilm.of(chest_film(0.0)).image
    check = check_anatomy(film, np.roll(film, shift, axis=(0, 1)))
    assert check.largest_move_px == pytest.approx(np.hypot(*shift), abs=0.6)
    assert check.moved_px > LARGEST_MOVE_PX


def test_a_film_without_edges_does_not_pass() -> None:
    empty = np.zeros((96, 96), np.float32)
    check = check_anatomy(empty, empty)
    assert check.tiles == 0
    assert not check.passed
