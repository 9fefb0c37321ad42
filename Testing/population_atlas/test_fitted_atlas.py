"""An atlas is deformed to films: it takes on the patient's size and place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from chests import EDGE_MM, chest, film, rms, volume
from scipy import ndimage
from X2CTReconLib.population_atlas import fitted_atlas
from X2CTReconLib.population_atlas.displacement import SmoothDisplacement
from XRayLib.errors import CancelledError, InputError

PATIENT = chest(size=(1.08, 1.1, 0.92), place_mm=(14.0, -8.0, 10.0))


@pytest.fixture(scope="module")
def films():
    return film(PATIENT, 0.0), film(PATIENT, 90.0)


def test_two_films_give_the_patient_its_size_and_place(films):
    atlas = chest()
    found = fitted_atlas(volume(atlas), films, "cpu")
    assert rms(found.expected().voxels, PATIENT) < 0.35 * rms(atlas, PATIENT)


def test_the_work_is_told_step_by_step_and_can_be_left_at_each(films):
    told = []
    fitted_atlas(volume(chest()), films, "cpu", lambda fraction, stage: told.append((fraction, stage)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(set(fractions))
    assert len([stage for _, stage in told if "other patients" in stage]) == 4

    def cancelled(_fraction, stage):
        if "other patients" in stage:
            raise CancelledError

    with pytest.raises(CancelledError):
        fitted_atlas(volume(chest()), films, "cpu", cancelled)


def test_oblique_films_do_too():
    films = film(PATIENT, 30.0), film(PATIENT, -50.0)
    assert rms(fitted_atlas(volume(chest()), films, "cpu").expected().voxels, PATIENT) < 0.45 * rms(chest(), PATIENT)


def test_gain_and_offset_of_uncalibrated_films_do_not_matter(films):
    shown = [
        dataclasses.replace(f, line_integral=(gain * f.line_integral + 3.0).astype(np.float32), calibrated=False)
        for f, gain in zip(films, (0.3, 4.0), strict=True)
    ]
    assert rms(fitted_atlas(volume(chest()), shown, "cpu").expected().voxels, PATIENT) < 0.6 * rms(chest(), PATIENT)


@pytest.mark.parametrize("gamma", [1.0, 1.7])
def test_what_stays_unexplained_on_a_film_of_any_tone_does_not_thin_the_patient(gamma):
    inside = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((32,) * 3), 2.0)
    patient = (chest() + 300 * inside / inside.std() * (chest() > -950)).astype(np.float32)
    exact = film(patient, 0.0)
    toned = 3 * (exact.line_integral / exact.line_integral.max()) ** gamma + 0.4
    shown = dataclasses.replace(exact, line_integral=toned.astype(np.float32), calibrated=False)
    assert abs(fitted_atlas(volume(chest()), [shown], "cpu").parameters[1]) < 0.4


def test_what_films_leave_open_is_spread_around_the_best(films):
    one, two = (fitted_atlas(volume(chest()), films[:n], "cpu") for n in (1, 2))
    for found in (one, two):
        np.testing.assert_allclose(found.possible.mean(axis=0), found.parameters, atol=1e-5)
    along_the_beam_mm = [
        np.std([SmoothDisplacement(16, EDGE_MM).displacement_mm(p)[1] for p in found.possible], axis=0).mean()
        for found in (one, two)
    ]
    assert along_the_beam_mm[1] < 0.8 * along_the_beam_mm[0]
    assert one.spread(32).mean() > 1.3 * two.spread(32).mean()
    assert two.possible[:, :6].std(axis=0).max() < 0.6  # 1 without films


def test_a_film_of_unknown_tone_leaves_more_open(films):
    known, unknown = (
        fitted_atlas(volume(chest()), [dataclasses.replace(films[0], calibrated=c)], "cpu") for c in (True, False)
    )
    assert unknown.spread(32).mean() > 1.1 * known.spread(32).mean()


def test_one_film_does_not_make_it_worse(films):
    assert rms(fitted_atlas(volume(chest()), films[:1], "cpu").expected().voxels, PATIENT) < rms(chest(), PATIENT)


def test_an_atlas_that_fits_stays_as_it_is():
    found = fitted_atlas(volume(PATIENT), [film(PATIENT, 0.0), film(PATIENT, 90.0)], "cpu")
    assert rms(found.carried(PATIENT), PATIENT) < 0.02 * rms(chest(), PATIENT)


def test_what_is_carried_to_the_patient_comes_back(films):
    atlas = chest()
    found = fitted_atlas(volume(atlas), films, "cpu")
    inner = (slice(6, -6),) * 3
    returned = found.carried_back(found.carried(atlas))
    assert rms(returned[inner], atlas[inner]) < 0.35 * rms(found.carried(atlas)[inner], atlas[inner])


def test_a_film_that_ends_where_its_ct_ends_says_nothing_of_what_lies_beyond():
    cut = PATIENT.copy()
    cut[:8] = cut[-8:] = -1000
    whole = fitted_atlas(volume(chest()), [film(PATIENT, 0.0), film(PATIENT, 90.0)], "cpu").expected().voxels
    found = fitted_atlas(volume(chest()), [film(cut, 0.0), film(cut, 90.0)], "cpu").expected().voxels
    shown = slice(10, -10)
    assert rms(found[shown], PATIENT[shown]) < 2 * rms(whole[shown], PATIENT[shown])


def test_a_blank_film_is_refused(films):
    blank = dataclasses.replace(films[0], line_integral=np.ones_like(films[0].line_integral))
    with pytest.raises(InputError, match="one grey value"):
        fitted_atlas(volume(chest()), [blank], "cpu")
