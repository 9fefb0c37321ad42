"""The part of a style network's training that keeps anatomy in place."""

from __future__ import annotations

import pytest
import torch
from cyclegan.structure import structure_change


@pytest.fixture
def film():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((2, 1, 8, 8), generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(96, 96), mode="bicubic").clamp(0, 1)


def test_tone_and_contrast_are_free(film) -> None:
    assert float(structure_change(film, 0.3 + 0.5 * film)) < 0.02
    assert float(structure_change(film, film.square())) < 0.1


def test_what_moves_or_is_inverted_costs_more_the_farther_it_goes(film) -> None:
    moved = [float(structure_change(film, film.roll(pixels, dims=3))) for pixels in (0, 1, 3, 6)]
    assert moved[0] == pytest.approx(0, abs=1e-5)
    assert moved == sorted(moved)
    assert moved[-1] > 0.3
    assert float(structure_change(film, 1 - film)) > 1.5


def test_a_film_without_structure_costs_nothing_and_has_finite_slopes() -> None:
    flat = torch.full((1, 1, 32, 32), 0.4, requires_grad=True)
    change = structure_change(torch.full((1, 1, 32, 32), 0.7), flat)
    change.backward()
    assert float(change.detach()) == pytest.approx(0, abs=1e-3)
    assert torch.isfinite(flat.grad).all()
