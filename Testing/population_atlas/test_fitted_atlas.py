"""An atlas is deformed to films: it takes on the patient's size and place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from chests import chest, film, rms, volume
from X2CTReconLib.population_atlas import fitted_atlas
from XRayLib.errors import InputError

PATIENT = chest(size=(1.08, 1.1, 0.92), place_mm=(14.0, -8.0, 10.0))


@pytest.fixture(scope="module")
def films():
    return film(PATIENT, 0.0), film(PATIENT, 90.0)


def test_two_films_give_the_patient_its_size_and_place(films):
    atlas = chest()
    found = fitted_atlas(volume(atlas), films, "cpu")
    assert rms(found.volume.voxels, PATIENT) < 0.35 * rms(atlas, PATIENT)


def test_oblique_films_do_too():
    films = film(PATIENT, 30.0), film(PATIENT, -50.0)
    assert rms(fitted_atlas(volume(chest()), films, "cpu").volume.voxels, PATIENT) < 0.45 * rms(chest(), PATIENT)


def test_gain_and_offset_of_uncalibrated_films_do_not_matter(films):
    shown = [
        dataclasses.replace(f, line_integral=(gain * f.line_integral + 3.0).astype(np.float32), calibrated=False)
        for f, gain in zip(films, (0.3, 4.0), strict=True)
    ]
    assert rms(fitted_atlas(volume(chest()), shown, "cpu").volume.voxels, PATIENT) < 0.6 * rms(chest(), PATIENT)


def test_one_film_does_not_make_it_worse(films):
    assert rms(fitted_atlas(volume(chest()), films[:1], "cpu").volume.voxels, PATIENT) < rms(chest(), PATIENT)


def test_an_atlas_that_fits_stays_as_it_is():
    found = fitted_atlas(volume(PATIENT), [film(PATIENT, 0.0), film(PATIENT, 90.0)], "cpu")
    assert rms(found.volume.voxels, PATIENT) < 0.02 * rms(chest(), PATIENT)


def test_what_is_carried_to_the_patient_comes_back(films):
    atlas = chest()
    found = fitted_atlas(volume(atlas), films, "cpu")
    np.testing.assert_array_equal(found.carried(atlas), found.volume.voxels)
    inner = (slice(6, -6),) * 3
    returned = found.carried_back(found.carried(atlas))
    assert rms(returned[inner], atlas[inner]) < 0.35 * rms(found.carried(atlas)[inner], atlas[inner])


def test_a_film_that_ends_where_its_ct_ends_says_nothing_of_what_lies_beyond():
    cut = PATIENT.copy()
    cut[:8] = cut[-8:] = -1000
    whole = fitted_atlas(volume(chest()), [film(PATIENT, 0.0), film(PATIENT, 90.0)], "cpu").volume.voxels
    found = fitted_atlas(volume(chest()), [film(cut, 0.0), film(cut, 90.0)], "cpu").volume.voxels
    shown = slice(10, -10)
    assert rms(found[shown], PATIENT[shown]) < 2 * rms(whole[shown], PATIENT[shown])


def test_a_blank_film_is_refused(films):
    blank = dataclasses.replace(films[0], line_integral=np.ones_like(films[0].line_integral))
    with pytest.raises(InputError, match="one grey value"):
        fitted_atlas(volume(chest()), [blank], "cpu")
