"""Films that do not belong into a chest network, and those that do."""

from __future__ import annotations

import numpy as np
import pytest
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube
from X2CTReconLib.canonical_intensity import normalised
from X2CTReconLib.input_check.chest_films import chest_films, glance_of
from X2CTReconLib.input_check.film_check import ALTERATIONS, film_warnings
from XRayLib.errors import RefusedError
from XRayLib.phantom import torso_phantom
from XRayLib.simulate import c_arm_views, simulate_radiograph

Film = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module", params=[3, 8])
def chest(request: pytest.FixtureRequest) -> dict[str, Film]:
    """Canonical films of a simulated torso by role."""
    ct = torso_phantom(request.param, spacing_mm=5.0).ct
    views = c_arm_views(ct, [(0, 0), (90, 0)], size_px=(128, 128), pixel_spacing_mm=3.4)
    cube = CanonicalCube(ct.center_ras_mm, 416.0, 64)
    films = {}
    for role, view in zip((FRONTAL, LATERAL), views, strict=True):
        image, seen = cube.film(simulate_radiograph(ct, view, realism="mild", seed=1), role)
        films[role] = (normalised(image, seen), seen)
    return films


def checked(films: dict[str, Film]) -> tuple[str, ...]:
    return film_warnings(
        {role: film[0] for role, film in films.items()}, {role: film[1] for role, film in films.items()}
    )


def test_films_of_a_torso_pass(chest: dict[str, Film]) -> None:
    assert checked(chest) == ()


@pytest.mark.parametrize("role", [FRONTAL, LATERAL])
def test_a_lying_film_is_refused_or_warned_of(chest: dict[str, Film], role: str) -> None:
    image, seen = chest[role]
    try:
        (told,) = checked({role: (np.rot90(image).copy(), np.rot90(seen).copy())})
    except RefusedError as error:
        told = str(error)
    assert "lying on its side: turn it by 90 degrees to the right" in told


def test_the_same_picture_twice_is_refused(chest: dict[str, Film]) -> None:
    with pytest.raises(RefusedError, match="same picture"):
        checked({FRONTAL: chest[FRONTAL], LATERAL: chest[FRONTAL]})


def test_a_limb_is_warned_of() -> None:
    x = np.abs(np.linspace(-1, 1, 64))
    limb = np.repeat((x < 0.15)[None], 64, axis=0).astype(np.float32)
    (told,) = checked({FRONTAL: (limb, np.ones(limb.shape, bool))})
    assert "unlike a chest" in told


def test_each_role_is_told_from_the_other(chest: dict[str, Film]) -> None:
    for role, film in chest.items():
        strange = {name: looks.strangeness(*film) for name, looks in chest_films().items()}
        assert min(strange, key=strange.__getitem__) == role


def test_gain_and_offset_do_not_matter_to_a_glance(chest: dict[str, Film]) -> None:
    image, seen = chest[FRONTAL]
    one, shown = glance_of(image, seen)
    other, _ = glance_of(3 * image + 2, seen)
    np.testing.assert_allclose(one[shown], other[shown], atol=1e-4)


def test_only_what_is_seen_counts(chest: dict[str, Film]) -> None:
    image, seen = chest[FRONTAL]
    half = seen.copy()
    half[:, :20] = False
    noise = np.where(half, image, np.random.default_rng(0).random(image.shape)).astype(np.float32)
    looks = chest_films()[FRONTAL]
    assert looks.strangeness(noise, half) == pytest.approx(looks.strangeness(np.where(half, image, 0), half))
    assert looks.strangeness(image, np.zeros_like(seen)) == np.inf


def test_alterations_are_undone_by_what_they_say() -> None:
    image = np.arange(12.0).reshape(3, 4)
    right = ALTERATIONS["lying on its side: turn it by 90 degrees to the right"]
    left = ALTERATIONS["lying on its side: turn it by 90 degrees to the left"]
    np.testing.assert_array_equal(left(right(image)), image)
    np.testing.assert_array_equal(right(image)[0], image[::-1, 0])
