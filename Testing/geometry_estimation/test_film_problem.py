"""The derivatives and the random patients behind the estimation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from wrong_films import attenuation, films
from XRayLib.geometry_estimation.film_misfit import FilmMisfit
from XRayLib.geometry_estimation.film_problem import FilmProblem, Guess
from XRayLib.geometry_estimation.patient_prior import MEAN_PATIENT, PatientPrior

STEP = 0.02


def problem(known: bool = False) -> FilmProblem:
    geometries = [film.geometry.resampled((24, 24)) for film in films()]
    geometries[0] = replace(geometries[0], assumed=() if known else (*geometries[0].assumed, "film's long side 430 mm"))
    return FilmProblem(PatientPrior.of(attenuation(3), MEAN_PATIENT, 24.0), geometries, "cpu")


def test_derivatives_are_those_of_the_projection() -> None:
    given, rng = problem(known=True), np.random.default_rng(0)
    assert given.deviations[:6].all()  # a film that says where it was taken leaves the patient's pose open
    guess = Guess(0.5 * rng.standard_normal(len(given.deviations)), given.start().white)
    _, columns = given.linearised(guess)
    for n in given.open:
        step = STEP * np.eye(len(given.deviations))[n]
        beside = [given.images(Guess(guess.values + sign * step, guess.white)) for sign in (1, -1)]
        expected = (beside[0] - beside[1]) / (2 * STEP)
        assert np.linalg.norm(columns[n] - expected) < 0.15 * np.linalg.norm(expected) + 0.02
    known = [n for n in range(len(given.deviations)) if n not in given.open]
    assert not columns[known].any()


def test_where_every_film_is_open_the_patient_stays() -> None:
    given = problem()
    assert not given.deviations[:6].any()
    assert given.deviations[9 + 7] > 0


def test_random_patients_have_an_exact_adjoint() -> None:
    prior, rng = problem().prior, np.random.default_rng(1)
    white = rng.standard_normal(prior.noise_shape).astype(np.float32)
    change = rng.standard_normal(prior.mean.voxels.shape).astype(np.float32)
    forth, back = float((prior.shaped(white) * change).sum()), float((white * prior.shaped_adjoint(change)).sum())
    assert abs(forth - back) < 1e-4 * abs(forth) + 1e-3


def test_the_body_goes_on_beyond_its_ends() -> None:
    prior = problem().prior
    assert prior.mean.voxels[0].max() > 0.01
    assert prior.mean.voxels[-1].max() > 0.01
    extent = len(prior.mean.voxels) * prior.mean.spacing_mm[2] - len(prior.known.voxels) * prior.known.spacing_mm[2]
    assert extent > 100


def test_what_other_patients_explain_is_likelier_than_noise() -> None:
    given, rng = problem(), np.random.default_rng(2)
    start = given.start()
    images = given.images(start)
    seen = np.zeros(images.shape, bool)
    seen[:, ::3, ::3] = True
    misfit = FilmMisfit(given, start, images, seen, (True, False))
    other = Guess(start.values, rng.standard_normal(start.white.shape).astype(np.float32))
    patient = misfit.of_pixels(given.images(other) - images)
    noise = rng.standard_normal(patient.shape) * patient.std()
    assert patient @ misfit.unlikely(patient) < 0.3 * (noise @ misfit.unlikely(noise))
    brighter = np.where(np.argwhere(seen)[:, 0] == 1, 1.0, 0.0)
    darker = np.where(np.argwhere(seen)[:, 0] == 0, 1.0, 0.0)
    assert brighter @ misfit.unlikely(brighter) < darker @ misfit.unlikely(darker)
    assert misfit.cost(start) == 0
