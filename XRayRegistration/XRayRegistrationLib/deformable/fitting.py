"""The most probable motion: Levenberg-Marquardt on the match and the prior, from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from XRayRegistrationLib.deformable.matching import DeformedMatcher, DeformedState

Matrix = NDArray[np.float64]

FIRST_DAMPING, GIVE_UP_DAMPING = 1e-2, 1e3
SMALL_STEP = 0.02
"""In prior standard deviations: a step below it ends a level."""

ITERATIONS = (12, 6, 2)
"""From the coarsest level on; finer ones repeat the last."""

SCREENED, SCREENING_ITERATIONS = 3, 3
"""So many starts get so many iterations; only the best of them gets the rest."""


class Prior(NamedTuple):
    """What is expected before the films are seen: negative log probability but for a constant, with its slope
    (parameters,) and curvature (parameters, parameters)."""

    surprise: float
    gradient: Matrix
    precision: Matrix


@dataclass(frozen=True)
class Posterior:
    """Where a fit ended: the state, the covariance of its parameters and the log evidence of its model.

    The evidence is Laplace's approximation (D. J. C. MacKay, Neural Computation 4(3), 1992): what the match gains must
    outweigh how far the parameters went from their prior and how narrowly the films determine them.
    """

    state: DeformedState
    covariance: Matrix
    log_evidence: float


def fit(
    matchers: Sequence[DeformedMatcher],
    starts: Sequence[Matrix],
    on_step: Callable[[], None] = lambda: None,
) -> DeformedState:
    """The most probable state at the last of the matchers, from the best of the starts at the first."""
    promising = [starts[n] for n in _promising(matchers[0], starts)] if len(starts) > 1 else starts
    states = [_minimised(matchers[0], start, SCREENING_ITERATIONS, on_step) for start in promising]
    strength = max(state.observations for state in states)
    begin = min(states, key=lambda state: _objective(state, matchers[0], strength)).parameters
    for number, matcher in enumerate(matchers):
        if number:  # noise can lead a coarse level farther away than its start was
            places = [begin, *starts]
            begin = places[int(np.argmin(_objectives(matcher, places)))]
        iterations = ITERATIONS[min(number, len(ITERATIONS) - 1)]
        best = _minimised(matcher, begin, iterations, on_step)
        begin = best.parameters
    return best


def _objectives(matcher: DeformedMatcher, places: Sequence[Matrix]) -> Matrix:
    """The objective at each of these parameters, on one scale."""
    states = [matcher.match(parameters, with_slopes=False) for parameters in places]
    strength = max(state.observations for state in states)
    return np.array([_objective(state, matcher, strength) for state in states])


def _promising(matcher: DeformedMatcher, starts: Sequence[Matrix]) -> list[int]:
    """Numbers of the best starts of which none beside them is better."""
    values = _objectives(matcher, starts)
    around = np.concatenate([[np.inf], values, [np.inf]])
    lowest = np.flatnonzero((values <= around[:-2]) & (values <= around[2:]) & np.isfinite(values))
    return sorted(lowest, key=lambda n: values[n])[:SCREENED] or [0]


def posterior(state: DeformedState, matcher: DeformedMatcher, observations: float) -> Posterior:
    """Covariance and evidence of a state, for a given number of observations so that models can be compared."""
    precision = _prior(state, matcher).precision
    information = observations * state.hessian + precision
    shrinkage = np.linalg.slogdet(information)[1] - np.linalg.slogdet(precision)[1]
    return Posterior(
        state, np.linalg.inv(information), -_objective(state, matcher, observations) - 0.5 * float(shrinkage)
    )


def _minimised(matcher: DeformedMatcher, start: Matrix, iterations: int, on_step: Callable[[], None]) -> DeformedState:
    state, damping = matcher.match(start), FIRST_DAMPING
    for _ in range(iterations):
        if not np.isfinite(state.cost) or damping > GIVE_UP_DAMPING:
            break
        on_step()
        strength = state.observations
        step = _step(state, matcher, strength, damping)
        tried = matcher.match(state.parameters + step, with_slopes=False)
        if _objective(tried, matcher, strength) < _objective(state, matcher, strength):
            state, damping = matcher.match(tried.parameters), max(damping / 5, 1e-4)
        else:
            damping *= 10
        if np.abs(step / matcher.motion.deviations).max() < SMALL_STEP:
            break
    return state


def _step(state: DeformedState, matcher: DeformedMatcher, strength: float, damping: float) -> Matrix:
    prior = _prior(state, matcher)
    information = strength * state.hessian + prior.precision
    gradient = strength * state.gradient - prior.gradient
    information += damping * np.diag(np.diag(information))
    return np.linalg.solve(information, gradient)


def _objective(state: DeformedState, matcher: DeformedMatcher, strength: float) -> float:
    """Negative log posterior but for a constant."""
    return 0.5 * strength * state.cost + _prior(state, matcher).surprise


def _prior(state: DeformedState, matcher: DeformedMatcher) -> Prior:
    """Of parameters with the motion's deviations, and of an organ that keeps its volume."""
    precision, volume = 1 / matcher.motion.deviations**2, state.volume
    return Prior(
        0.5 * float(precision @ state.parameters**2) + volume.surprise,
        precision * state.parameters + volume.gradient,
        np.diag(precision) + volume.precision,
    )
