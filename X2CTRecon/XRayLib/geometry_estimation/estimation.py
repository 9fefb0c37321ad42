"""The geometry of films that carry none, estimated from what they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.geometry_estimation.estimate_words import ESTIMATED, sentences_about
from XRayLib.geometry_estimation.film_misfit import FilmMisfit
from XRayLib.geometry_estimation.film_parameters import PARAMETERS, changed
from XRayLib.geometry_estimation.film_problem import FIRST_FILM, POSE, STRETCH, FilmProblem, Guess
from XRayLib.geometry_estimation.most_likely import Found, most_likely
from XRayLib.geometry_estimation.patient_prior import PatientPrior, Variability
from XRayLib.radiograph import Radiograph
from XRayLib.tomography import Films, crossing_lengthwise, films_at

Array = NDArray[np.float64]

VOXEL_MM, PIXEL_MM = 20.0, 26.0
LEAST_LIKENESS = 0.3
"""Correlation of a film with the expected patient's projection below which nothing is estimated from it."""
PLACED = "The volume stands where the expected patient would: where this patient's middle lies is not measured."
UNLIKELY = 2.0
"""Cost per pixel, 1 in the mean for patients as they are expected, from which on the films show something else."""


@dataclass(frozen=True, eq=False)
class EstimatedGeometry:
    """The films in their estimated geometry, and the patient's middle (3,) in RAS mm."""

    radiographs: tuple[Radiograph, ...]
    middle_ras_mm: Array
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)


def estimated_geometry(
    radiographs: Sequence[Radiograph],
    expected_mu: Volume,
    variability: Variability,
    *,
    device: str = "auto",
    progress: Callable[[float], None] = lambda _fraction: None,
) -> EstimatedGeometry:
    """Estimate what ``XRayGeometry.assumed`` says was assumed of every film; what was measured stays.

    The films' parameters (``film_parameters``) and the patient's size are found by Gauss-Newton from the films at 26
    mm, the patient's other differences from the expected one being integrated out as a smooth random change of the
    attenuation: A. Tarantola, Inverse Problem Theory, SIAM 2005, section 3.2, with the projector's pose derivatives.

    Parameters
    ----------
    radiographs : at least one.
    expected_mu : Volume
        Linear attenuation of the expected patient along R, A, S, its middle where the patient's is expected.
    variability : Variability
        How the patient may differ from it.

    Returns
    -------
    EstimatedGeometry
        With the given films and a warning when they do not show what is expected.

    Raises
    ------
    InputError
        For films that show nothing.
    """
    films = films_at(radiographs, PIXEL_MM)
    problem = FilmProblem(PatientPrior.of(expected_mu, variability, VOXEL_MM), films.geometries, device)
    middle = problem.prior.pivot
    if not any(problem.deviations[FIRST_FILM:]):
        return EstimatedGeometry(tuple(radiographs), middle)
    expected = problem.images(problem.start())
    images, strangers = _calibrated(films, expected, _seen(problem, problem.start(), films))
    if strangers:
        return EstimatedGeometry(tuple(radiographs), middle, tuple(_unlike(n) for n in strangers))

    def misfit_at(guess: Guess) -> FilmMisfit:
        return FilmMisfit(problem, guess, images, _seen(problem, guess, films), films.calibrated)

    found = most_likely(problem, misfit_at, progress)
    if found.cost > UNLIKELY * found.pixels:
        return EstimatedGeometry(tuple(radiographs), middle, tuple(_unlike(n) for n in range(len(radiographs))))
    values = problem.film_values(found.guess)
    moved = problem.pose(found.guess) @ np.append(middle, 1.0)
    return EstimatedGeometry(
        tuple(_placed(r, v, middle) for r, v in zip(radiographs, values, strict=True)),
        moved[:3],
        (*sentences_about(radiographs, values, _film_deviations(problem, found), problem, middle), PLACED),
        {"geometry_estimation": _record(problem, found)},
    )


def _seen(problem: FilmProblem, guess: Guess, films: Films) -> NDArray[np.bool_]:
    """Pixels whose rays cross what is known of the expected patient from side to side and were exposed."""
    there = replace(films, geometries=tuple(problem.geometries(guess)))
    return films.weights * crossing_lengthwise(problem.prior.known, there, problem.device) > 0.9


def _calibrated(
    films: Films, expected: NDArray[np.float32], seen: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], list[int]]:
    """Films of unknown exposure with mean and contrast of the expected projections; and those unlike them."""
    images, strangers = films.images.copy(), []
    for n, (film, wanted, where) in enumerate(zip(films.images, expected, seen, strict=True)):
        film_seen, wanted_seen = film[where].astype(float), wanted[where].astype(float)
        if film_seen.size < 20 or np.corrcoef(film_seen, wanted_seen)[0, 1] < LEAST_LIKENESS:
            strangers.append(n)
        elif not films.calibrated[n]:
            gain = film_seen.std() / wanted_seen.std()
            images[n] = (film - film_seen.mean()) / gain + wanted_seen.mean()
    return images, strangers


def _placed(radiograph: Radiograph, values: Array, middle: Array) -> Radiograph:
    if not values.any():
        return radiograph
    return replace(radiograph, geometry=replace(changed(radiograph.geometry, values, middle), assumed=(ESTIMATED,)))


def _film_deviations(problem: FilmProblem, found: Found) -> Array:
    """(films, 8) standard deviations in the units of PARAMETERS."""
    deviations = np.sqrt(np.diag(found.covariance)) * problem.deviations
    return deviations[FIRST_FILM:].reshape(-1, len(PARAMETERS))


def _record(problem: FilmProblem, found: Found) -> dict[str, Any]:
    """JSON values: what was estimated, how sure, and from what."""
    units = found.guess.values * problem.deviations
    columns = (problem.film_values(found.guess), _film_deviations(problem, found), problem.film_deviations)
    films = [
        {
            name: {"difference": float(value), "deviation": float(deviation), "prior_deviation": float(prior)}
            for name, value, deviation, prior in zip(PARAMETERS, *film, strict=True)
            if prior > 0
        }
        for film in zip(*columns, strict=True)
    ]
    return {
        "films": films,
        "patient": {"log_size": units[STRETCH].tolist(), "pose_rad_mm": units[POSE].tolist()},
        "rounds": found.rounds,
        "cost_per_pixel": found.cost / found.pixels,
    }


def _unlike(n: int) -> str:
    return f"View {n + 1} does not show what is expected: its geometry was left as it was assumed."
