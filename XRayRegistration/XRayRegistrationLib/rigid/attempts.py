"""The attempts at a registration, each more thorough than the one before, until the result is to be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, PoseQuality
from XRayLib.registry import Progress

from XRayRegistrationLib.rigid.coarse_to_fine import (
    EXHAUSTIVE_LEVEL,
    EXHAUSTIVE_STAGES,
    STAGES,
    Levels,
    Refinement,
    refine,
)
from XRayRegistrationLib.rigid.confidence import evidence_of, judge
from XRayRegistrationLib.rigid.local_optima import best_nearby
from XRayRegistrationLib.rigid.settings import RigidSettings
from XRayRegistrationLib.rigid.starts import Starts, chosen_initialisation, starts_of
from XRayRegistrationLib.rigid.timing import timed

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Attempt:
    """A pose that was found, how sure it is, and what the user should know about its start."""

    refinement: Refinement
    quality: PoseQuality
    notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> float:
        """At the level that every attempt went through."""
        return self.refinement.levels[min(EXHAUSTIVE_LEVEL, len(self.refinement.levels) - 1)][0].evidence


def is_searched(case: Case, settings: RigidSettings, starts: Sequence[Matrix] | None) -> bool:
    """Whether poses are looked for far and wide, not about a given one."""
    return starts is None and chosen_initialisation(case, settings) == "search"


def best_attempt(
    case: Case,
    settings: RigidSettings,
    levels: Levels,
    starts: Sequence[Matrix] | None,
    progress: Progress,
    seconds: dict[str, float],
) -> Attempt:
    """The starts refined; while that is refused, also what lies around, then what an exhaustive search finds.

    ``seconds`` receives how long "search", "refinement" and "quality" took. Errors as of ``refine`` and ``starts_of``.
    """
    searched = is_searched(case, settings, starts)

    def attempt(exhaustive: bool) -> Attempt:
        return _attempt(case, settings, levels, starts, searched, exhaustive, progress, seconds)

    first = attempt(exhaustive=False)
    if first.quality.accepted or not (searched and settings.refine):
        return first
    again = attempt(exhaustive=True)
    return max(first, again, key=lambda found: found.evidence)


def _attempt(
    case: Case,
    settings: RigidSettings,
    levels: Levels,
    given: Sequence[Matrix] | None,
    searched: bool,
    exhaustive: bool,
    progress: Progress,
    seconds: dict[str, float],
) -> Attempt:
    begin = 0.55 if exhaustive else 0.2
    with timed(seconds, "search"):
        stage = "Searching every orientation" if exhaustive else "Searching start poses"
        progress(begin, stage)
        starts = (
            Starts(given)
            if given is not None
            else starts_of(case, settings, levels, exhaustive, lambda share: progress(begin + 0.1 * share, stage))
        )
    with timed(seconds, "refinement"):
        refinement = refine(
            levels,
            starts.poses,
            lambda number: progress(begin + 0.1 + 0.02 * number, f"Refining, step {number + 1}"),
            iterate=settings.refine,
            plausible=starts.plausible,
            stages=EXHAUSTIVE_STAGES if exhaustive else STAGES,
            first_level=EXHAUSTIVE_LEVEL if exhaustive else 0,
        )
    quality = judged(case, refinement, searched, seconds)
    if settings.refine and not quality.accepted:
        with timed(seconds, "refinement"):
            nearby = best_nearby(levels, refinement, starts.plausible, _reporting(progress, begin + 0.2))
        if nearby is not refinement:
            refinement, quality = nearby, judged(case, nearby, searched, seconds)
    return Attempt(refinement, quality, starts.notes)


def _reporting(progress: Progress, begin: float) -> Callable[[int], None]:
    return lambda number: progress(begin + 0.01 * number, "Looking around the result")


def judged(case: Case, refinement: Refinement, searched: bool, seconds: dict[str, float]) -> PoseQuality:
    """The verdict on a refinement."""
    with timed(seconds, "quality"):
        return judge(evidence_of(refinement), len(case.radiographs), searched)
