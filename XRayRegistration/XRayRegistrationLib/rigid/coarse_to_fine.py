"""Refinement of many start poses over the resolutions of the CT, keeping the best ones from level to level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import RefusedError
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.rigid.attenuation_pyramid import AttenuationPyramid
from XRayRegistrationLib.rigid.film_pyramid import films_at
from XRayRegistrationLib.rigid.least_squares import Matcher, MatchState
from XRayRegistrationLib.rigid.patient import Patient

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Stage:
    """What happens at one level of the pyramid."""

    window_px: int
    iterations: int
    smallest_step_mm: float
    kept: int
    """Distinct poses that go on to the next level."""


STAGES = (Stage(13, 20, 1.0, 8), Stage(13, 12, 0.3, 3), Stage(17, 8, 0.1, 1), Stage(21, 5, 0.02, 1))
"""From the coarsest level on; finer pyramids repeat the last one."""

TABLE_LEVEL = 2
"""Level at which films and CT are asked whether they show the scanner's table."""

SAME_DEG, SAME_MM = 2.0, 6.0
"""States nearer than this (before the finest levels) have found the same solution."""

WORST_USEFUL_COST_RATIO = 4.0
"""A state this many times worse than the best is not worth refining."""


@dataclass(frozen=True)
class Refinement:
    """Where the starts ended."""

    best: MatchState
    matchers: tuple[Matcher, ...]
    """Those used, coarse to fine."""
    levels: tuple[tuple[MatchState, ...], ...]
    """Distinct states of every level, best first."""
    start_of_best: Matrix
    agreement: float
    """Share of the starts that ended, at the coarsest level, where the best one did."""


@dataclass(frozen=True)
class Levels:
    """One matcher per resolution, coarse to fine, without and with what the CT shows of the scanner's table."""

    without_table: tuple[Matcher, ...]
    with_table: tuple[Matcher, ...] | None

    def choose(self, number: int, state: MatchState) -> tuple[Matcher, ...]:
        """The matchers that explain the films better at a state of level ``number``."""
        if self.with_table is None:
            return self.without_table
        stage = STAGES[min(number, len(STAGES) - 1)]
        costs = [
            matchers[number].minimise([state.ct_to_world], 2, stage.smallest_step_mm)[0].cost
            for matchers in (self.without_table, self.with_table)
        ]
        return self.without_table if costs[0] <= costs[1] else self.with_table


def levels_of(patient: Patient, radiographs: Sequence[Radiograph]) -> Levels:
    """The patient's pyramids with the films at their resolutions."""
    films = [films_at(radiographs, level.spacing_mm) for level in patient.pyramid.levels]

    def matchers(pyramid: AttenuationPyramid) -> tuple[Matcher, ...]:
        return tuple(
            Matcher(
                level.spacing_mm,
                level.projector,
                films[number],
                patient.cut_faces,
                pyramid.pivot_ras_mm,
                STAGES[min(number, len(STAGES) - 1)].window_px,
            )
            for number, level in enumerate(pyramid.levels)
        )

    return Levels(matchers(patient.pyramid), None if patient.with_table is None else matchers(patient.with_table))


def refine(
    levels: Levels,
    starts: Sequence[Matrix],
    on_level: Callable[[int], None] = lambda _level: None,
    iterate: bool = True,
) -> Refinement:
    """Take every start through the levels; without ``iterate`` only choose among the starts.

    Raises RefusedError when from no start the CT meets the films.
    """
    poses = list(starts)
    history: list[tuple[MatchState, ...]] = []
    start_of_best, agreement = poses[0], 1.0
    matchers = levels.without_table
    for number in range(len(matchers) if iterate else 1):
        on_level(number)
        if number == TABLE_LEVEL:
            matchers = levels.choose(number, history[-1][0])
        matcher = matchers[number]
        stage = STAGES[min(number, len(STAGES) - 1)]
        states = matcher.minimise(poses, stage.iterations if iterate else 0, stage.smallest_step_mm)
        order = [n for n in np.argsort([state.cost for state in states]) if np.isfinite(states[n].cost)]
        if not order:
            raise RefusedError(
                "The CT does not meet the films from any start: check that the films' geometry and the CT belong "
                "together, or place the CT by hand first."
            )
        best = states[order[0]]
        if number == 0:
            start_of_best = poses[order[0]]
            agreement = sum(same_solution(state, best) for state in states) / len(states)
        history.append(distinct([states[n] for n in order]))
        useful = [s for s in history[-1] if s.cost <= WORST_USEFUL_COST_RATIO * best.cost + 1e-6]
        poses = [state.ct_to_world for state in useful[: stage.kept]]
    return Refinement(history[-1][0], matchers[: len(history)], tuple(history), start_of_best, agreement)


def distinct(states: Sequence[MatchState]) -> tuple[MatchState, ...]:
    """The states less those that repeat an earlier one."""
    kept: list[MatchState] = []
    for state in states:
        if not any(same_solution(state, other) for other in kept):
            kept.append(state)
    return tuple(kept)


def same_solution(first: MatchState, second: MatchState) -> bool:
    """Whether two states are nearly the same pose."""
    one, other = first.ct_to_world, second.ct_to_world
    cosine = (np.trace(one[:3, :3].T @ other[:3, :3]) - 1) / 2
    angle_deg = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
    shift_mm = np.linalg.norm(first.middle_mm - second.middle_mm)
    return bool(angle_deg < SAME_DEG and shift_mm < SAME_MM)
