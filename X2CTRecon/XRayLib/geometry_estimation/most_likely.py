"""The most likely geometry of the films."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry_estimation.film_misfit import FilmMisfit
from XRayLib.geometry_estimation.film_parameters import PARAMETERS
from XRayLib.geometry_estimation.film_problem import FIRST_FILM, FilmProblem, Guess

Array = NDArray[np.float64]

HEIGHTS = (-1.0, 0.0, 1.0)
"""Of all films together, from where the search starts."""
SEARCHED, SWEEPS = (-1.6, -0.8, -0.4, 0.4, 0.8, 1.6), 2
"""Steps tried before anything else, in deviations, and how often."""
SEARCH_ORDER = (
    "shift_along_rows_mm",
    "shift_along_columns_mm",
    "turn_deg",
    "primary_angle_deg",
    "secondary_angle_deg",
)
MOST_ROUNDS, SETTLED = 8, 5e-3
STEP_SHARES = (1.0, 0.5, 0.25)
POLISHING_ROUNDS = 3


class Found(NamedTuple):
    """``covariance`` of ``guess.values``, in their deviations; ``cost`` of so many ``pixels``."""

    guess: Guess
    covariance: Array
    rounds: int
    cost: float
    pixels: int


def most_likely(
    problem: FilmProblem, misfit_at: Callable[[Guess], FilmMisfit], progress: Callable[[float], None]
) -> Found:
    """Search for the films' shifts and turns, then Gauss-Newton on all values with the patient marginalised, then the
    films' heights once more with the patient's own detail.

    With the patient's difference from the expected one integrated out, Gauss-Newton sees only what the geometry changes
    of the expected patient, which no individual detail misleads. But that detail, at the same height on all films, says
    best how they are shifted along the body: with the most likely patient in place of the expected one (variable
    projection; L. Kaufman, BIT 15:49-57, 1975) the last rounds follow it.
    """
    misfit = misfit_at(problem.start())
    progress(0.3)
    starts = []
    for height in HEIGHTS:
        progress(0.3 + 0.2 * len(starts) / len(HEIGHTS))
        starts.append(_settled(problem, misfit, _searched(problem, misfit, height)))
    guess, _, rounds = min(starts, key=lambda settled: misfit.cost(settled[0]))
    progress(0.5)
    misfit = misfit_at(guess)
    progress(0.8)
    guess, information, more = _settled(problem, misfit, guess)
    covariance = np.zeros((len(problem.deviations),) * 2)
    covariance[np.ix_(problem.open, problem.open)] = np.linalg.inv(information)
    cost = misfit.cost(guess)
    if len(problem.assumed) > 1:
        guess = _polished(problem, misfit, guess)
    progress(1.0)
    return Found(guess, covariance, rounds + more, cost, len(misfit.films))


def _searched(problem: FilmProblem, misfit: FilmMisfit, height: float) -> Guess:
    """The best of steps along one value at a time, from all films shifted by ``height`` along their rows."""
    films = [FIRST_FILM + n * len(PARAMETERS) for n in range(len(problem.assumed))]
    rows = [film + PARAMETERS.index("shift_along_rows_mm") for film in films]
    best = _moved(problem.start(), [n for n in rows if problem.deviations[n] > 0], height)
    cost = misfit.cost(best)
    searched = [film + PARAMETERS.index(name) for name in SEARCH_ORDER for film in films]
    for index in SWEEPS * [n for n in searched if problem.deviations[n] > 0]:
        base = best
        for step in SEARCHED:
            tried = _moved(base, [index], step)
            if (beside := misfit.cost(tried)) < cost:
                best, cost = tried, beside
    return best


def _moved(guess: Guess, indices: list[int], by: float) -> Guess:
    values = guess.values.copy()
    values[indices] += by
    return Guess(values, guess.white)


def _settled(problem: FilmProblem, misfit: FilmMisfit, guess: Guess) -> tuple[Guess, Array, int]:
    """Gauss-Newton with step halving; also the information about the open values and the rounds taken."""
    used, cost, information = problem.open, misfit.cost(guess), np.eye(len(problem.open))
    for rounds in range(1, MOST_ROUNDS + 1):
        images, columns = problem.linearised(guess)
        slopes = misfit.of_pixels(columns[used])
        weighted = misfit.unlikely(slopes.T)
        information = slopes @ weighted + np.eye(len(used))
        toward = weighted.T @ (misfit.films - misfit.of_pixels(images)) - guess.values[used]
        step = np.linalg.solve(information, toward)
        for share in STEP_SHARES:
            values = guess.values.copy()
            values[used] += share * step
            after = misfit.cost(Guess(values, guess.white))
            if after < cost:
                break
        else:
            return guess, information, rounds
        guess, before, cost = Guess(values, guess.white), cost, after
        if before - cost < SETTLED * before:
            break
    return guess, information, rounds


def _polished(problem: FilmProblem, misfit: FilmMisfit, guess: Guess) -> Guess:
    """The films' shifts along their rows, by the most likely patient's own detail."""
    row = PARAMETERS.index("shift_along_rows_mm")
    used = problem.open
    heights = (used >= FIRST_FILM) & ((used - FIRST_FILM) % len(PARAMETERS) == row)
    expected = guess.white
    for _ in range(POLISHING_ROUNDS):
        difference = misfit.films - misfit.of_pixels(problem.images(Guess(guess.values, expected)))
        patient = Guess(guess.values, misfit.noise_behind(difference))
        slopes = misfit.of_pixels(problem.linearised(patient)[1][used])
        weighted = misfit.unlikely(slopes.T)
        target = difference + slopes.T @ guess.values[used]
        wanted = np.linalg.solve(slopes @ weighted + np.eye(len(used)), weighted.T @ target)
        values = guess.values.copy()
        values[used[heights]] += np.clip(wanted - guess.values[used], -0.5, 0.5)[heights]
        guess = Guess(values, expected)
    return guess
