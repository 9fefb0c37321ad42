"""Out of a local optimum: poses around the one where a refinement ended are refined, too.

On films of few photons the match has many optima a few millimetres apart, most often along what the films hardly
determine; steps along the axes of the match's curvature lead from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from XRayRegistrationLib.rigid.coarse_to_fine import (
    EXHAUSTIVE_LEVEL,
    EXHAUSTIVE_STAGES,
    Levels,
    Refinement,
    refine,
    same_solution,
    stage_of,
)
from XRayRegistrationLib.rigid.least_squares import Matcher, MatchState

Matrix = NDArray[np.float64]

DISTANCES_MM = (6.0, 12.0)
"""Of the poses that are tried: the shorter ones first, the longer ones when those lead nowhere."""

ARM_MM = 100.0
"""A rotation moves points at this distance from the CT's middle as far as a translation moves all."""

SMALLEST_GAIN = 0.003
"""In evidence, for a pose to be another optimum, and a better one."""

MOST_ROUNDS = 4


def best_nearby(
    levels: Levels,
    refinement: Refinement,
    plausible: Callable[[Matrix], bool] = lambda _pose: True,
    on_round: Callable[[int], None] = lambda _round: None,
) -> Refinement:
    """The refinement of the best optimum around; the given one when there is no better.

    ``on_round`` is called before every round, what it raises ends the search. Optima that were left behind are no
    other solutions of the films: only the others stay in ``levels``.
    """
    number = min(EXHAUSTIVE_LEVEL, len(refinement.matchers) - 1)
    matcher, stage = refinement.matchers[number], stage_of(number)

    def refined(poses: Sequence[Matrix]) -> list[MatchState]:
        """The usable states, best first."""
        states = matcher.minimise(poses, stage.iterations, stage.smallest_step_mm)
        usable = [state for state in states if np.isfinite(state.cost) and plausible(state.ct_to_world)]
        return sorted(usable, key=lambda state: -state.evidence)

    passed = refined([refinement.best.ct_to_world])
    while passed and len(passed) <= MOST_ROUNDS:
        on_round(len(passed))
        for distance_mm in DISTANCES_MM:
            found = refined(poses_around(matcher, passed[-1], distance_mm))[:1]
            if found and found[0].evidence > passed[-1].evidence + SMALLEST_GAIN:
                passed += found
                break
        else:
            break
    if len(passed) < 2:
        return refinement
    again = refine(levels, [passed[-1].ct_to_world], stages=EXHAUSTIVE_STAGES, first_level=number)
    others = [s for s in refinement.levels[number] if not any(same_solution(s, left) for left in passed)]
    history = [*again.levels]
    history[number] = (history[number][0], *others)
    kept = {"start_of_best": refinement.start_of_best, "agreement": refinement.agreement}
    return replace(again, levels=tuple(history), **kept)


def poses_around(matcher: Matcher, state: MatchState, distance_mm: float) -> list[Matrix]:
    """Both ways along every axis of the match's curvature."""
    scale = np.array([1 / ARM_MM] * 3 + [1.0] * 3)
    _, axes = np.linalg.eigh(scale[:, None] * state.hessian * scale)
    twists = distance_mm * scale * axes.T
    return [matcher.moved(state.ct_to_world, sign * twist) for twist in twists for sign in (1, -1)]
