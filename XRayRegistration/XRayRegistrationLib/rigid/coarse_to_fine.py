"""Refinement of many start poses over the resolutions of the CT, keeping the best ones from level to level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import RefusedError
from XRayLib.metrics.pose import rotation_error_deg
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
    screening_iterations: int = 0
    screened: int = 0
    """After so many iterations only so many of the poses get the rest."""
    screening_window_px: int = 0
    """Wider neighbourhoods draw from farther away, narrow ones are more exact; 0: the same as ``window_px``."""


STAGES = (Stage(5, 12, 1.0, 12, 5, 16, 9), Stage(5, 10, 0.2, 3, 4, 6), Stage(7, 8, 0.05, 1), Stage(7, 5, 0.02, 1))
"""From the coarsest level on; finer pyramids repeat the last one."""

EXHAUSTIVE_LEVEL = 1
"""Level of an exhaustive search, and the first at which its candidates are refined."""

EXHAUSTIVE_STAGES = (STAGES[0], Stage(5, 10, 0.2, 4, 6, 16), *STAGES[2:])
"""For films on which the first attempt found nothing to trust: the coarsest level would lead astray."""

LOOSE_STAGES = (Stage(9, 12, 1.0, 12, 5, 16), Stage(13, 10, 0.2, 3, 4, 6), Stage(15, 8, 0.05, 1), Stage(17, 5, 0.02, 1))
"""For films whose geometry may be wrong, before it is found: with wide neighbourhoods all films are matched about as
well, where narrow ones match one exactly and give up the others."""


def stage_of(level: int, stages: Sequence[Stage] = STAGES) -> Stage:
    """What happens at a level, 0 the coarsest."""
    return stages[min(level, len(stages) - 1)]


TABLE_LEVEL = 1
"""Level at which films and CT are asked whether they show the scanner's table."""

SAME_DEG, SAME_MM = 2.0, 6.0
"""States nearer than this (before the finest levels) have found the same solution."""

LEAST_USEFUL_EVIDENCE = 0.5
"""A state with less than this share of the best one's evidence is not worth refining."""


@dataclass(frozen=True)
class Refinement:
    """Where the starts ended."""

    best: MatchState
    matchers: tuple[Matcher, ...]
    """Those used, coarse to fine."""
    levels: tuple[tuple[MatchState, ...], ...]
    """Distinct states of every level, best first; a skipped level has those of the next one."""
    start_of_best: Matrix
    agreement: float
    """Share of the starts that ended, at the coarsest level, where the best one did."""


@dataclass(frozen=True)
class Levels:
    """One matcher per resolution, coarse to fine, without and with what the CT shows of the scanner's table."""

    without_table: tuple[Matcher, ...]
    with_table: tuple[Matcher, ...] | None

    @property
    def widest(self) -> Matcher:
        """The coarsest matcher with the widest neighbourhoods: what a search for starts looks at."""
        return replace(self.without_table[0], window_px=STAGES[0].screening_window_px)

    @property
    def fine(self) -> Matcher:
        """The matcher that an exhaustive search looks at."""
        return self.without_table[min(EXHAUSTIVE_LEVEL, len(self.without_table) - 1)]

    def choose(self, number: int, state: MatchState) -> tuple[Matcher, ...]:
        """The matchers that explain the films better at a state of level ``number``."""
        if self.with_table is None:
            return self.without_table
        stage = stage_of(number)
        costs = [
            matchers[number].minimise([state.ct_to_world], 2, stage.smallest_step_mm)[0].cost
            for matchers in (self.without_table, self.with_table)
        ]
        return self.without_table if costs[0] <= costs[1] else self.with_table


def levels_of(
    patient: Patient,
    radiographs: Sequence[Radiograph],
    number: int | None = None,
    stages: Sequence[Stage] = STAGES,
) -> Levels:
    """The patient's pyramids with the films at their resolutions; ``number``: only so many, the coarsest."""
    used = patient.pyramid.levels[:number]
    windows = [stage_of(level, stages).window_px for level in range(len(used))]
    films = [films_at(radiographs, level.spacing_mm, window) for level, window in zip(used, windows, strict=True)]

    def matchers(pyramid: AttenuationPyramid) -> tuple[Matcher, ...]:
        return tuple(
            Matcher(level.spacing_mm, level.projector, of_level, patient.cut_faces, pyramid.pivot_ras_mm, window)
            for level, of_level, window in zip(pyramid.levels[:number], films, windows, strict=True)
        )

    return Levels(matchers(patient.pyramid), None if patient.with_table is None else matchers(patient.with_table))


def refine(
    levels: Levels,
    starts: Sequence[Matrix],
    on_level: Callable[[int], None] = lambda _level: None,
    iterate: bool = True,
    plausible: Callable[[Matrix], bool] = lambda _pose: True,
    stages: Sequence[Stage] = STAGES,
    first_level: int = 0,
) -> Refinement:
    """Take every start through the levels from ``first_level`` on; without ``iterate`` only choose among the starts.

    States that are not ``plausible`` are dropped unless no other is left.

    Raises RefusedError when from no start the CT meets the films.
    """
    poses = origins = list(starts)
    history: list[tuple[MatchState, ...]] = []
    start_of_best, agreement = poses[0], 1.0
    matchers = levels.without_table
    first_level = min(first_level, len(matchers) - 1)
    for number in range(first_level, len(matchers) if iterate else first_level + 1):
        on_level(number)
        if number == max(TABLE_LEVEL, first_level + 1):
            matchers = levels.choose(number, history[-1][0])
        matcher = matchers[number]
        stage = stage_of(number, stages)
        if iterate and 0 < stage.screened < len(poses):
            poses, kept = _screened(matcher, poses, stage, plausible)
            origins = [origins[n] for n in kept] if number == first_level else origins
        states = matcher.minimise(poses, stage.iterations if iterate else 0, stage.smallest_step_mm)
        order = _ranked(states, plausible)
        if not order:
            raise RefusedError(
                "The CT does not meet the films from any start: check that the films' geometry and the CT belong "
                "together, or place the CT by hand first."
            )
        best = states[order[0]]
        if number == first_level:
            start_of_best = origins[order[0]]
            agreement = sum(same_solution(state, best) for state in states) / len(states)
        history += [distinct([states[n] for n in order])] * (1 if history else number + 1)
        useful = [s for s in history[-1] if s.evidence >= LEAST_USEFUL_EVIDENCE * best.evidence] or [best]
        poses = [state.ct_to_world for state in useful[: stage.kept]]
    return Refinement(history[-1][0], matchers[: len(history)], tuple(history), start_of_best, agreement)


def _screened(
    matcher: Matcher, poses: Sequence[Matrix], stage: Stage, plausible: Callable[[Matrix], bool]
) -> tuple[list[Matrix], list[int]]:
    """The most promising poses after a few iterations, and their numbers among those before."""
    wider = replace(matcher, window_px=stage.screening_window_px or stage.window_px)
    states = wider.minimise(poses, stage.screening_iterations, stage.smallest_step_mm)
    order = _ranked(states, plausible)[: stage.screened]
    return [states[n].ct_to_world for n in order], order


def _ranked(states: Sequence[MatchState], plausible: Callable[[Matrix], bool]) -> list[int]:
    """Numbers of the usable states, best first."""
    usable = [n for n, state in enumerate(states) if np.isfinite(state.cost)]
    likely = [n for n in usable if plausible(states[n].ct_to_world)]
    return sorted(likely or usable, key=lambda n: -states[n].evidence)


def distinct(states: Sequence[MatchState]) -> tuple[MatchState, ...]:
    """The states less those that repeat an earlier one."""
    kept: list[MatchState] = []
    for state in states:
        if not any(same_solution(state, other) for other in kept):
            kept.append(state)
    return tuple(kept)


def same_solution(first: MatchState, second: MatchState) -> bool:
    """Whether two states are nearly the same pose."""
    return same_pose(first.ct_to_world, second.ct_to_world, first.middle_mm - second.middle_mm)


def same_pose(first: Matrix, second: Matrix, shift_mm: Matrix) -> bool:
    """Whether two 4x4 poses are nearly the same; ``shift_mm`` (3,) between where they put the patient's middle."""
    return bool(rotation_error_deg(first, second) < SAME_DEG and np.linalg.norm(shift_mm) < SAME_MM)
