"""Whether a registration is to be trusted: what the films say about it, and the rule that accepts or refuses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import PoseQuality

from XRayRegistrationLib.rigid.coarse_to_fine import Refinement, same_solution
from XRayRegistrationLib.rigid.covariance import world_covariance

Matrix = NDArray[np.float64]

INTERCEPT = -11.5
WEIGHTS = {"worst_view_similarity": 9.22, "similarity": 3.98, "gap": 4.79}
SEVERAL_VIEWS = 1.98
"""Logistic regression for "below 2 mm (several views) or 5 mm (one)", fitted to 219 attempts at 151 registrations of
four CTs that no table of results uses: 102 such, the others wrong patients or anatomy, mirrored or turned films, poses
that were missed. What fits several films by chance is rarer: they have a term of their own."""

ACCEPTED_FROM = 0.5
GOOD_MATCH = 0.74
NO_MATCH = 0.66
MOSTLY_OUTSIDE = 0.35
"""Which of the reasons is told of a refused pose."""

DEVIATION_FACTOR, DEVIATION_PER_MISMATCH = 2.0, 55.0
"""True errors over those of the sandwich estimate, on the same registrations: what the films show otherwise than the CT
(scatter, processing) moves the pose, too, and the mismatch tells how much of it there is."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a finished registration, all in 0..1 unless said otherwise."""

    similarity: float
    """Correlation of locally normalised film and projection at the finest level."""
    worst_view_similarity: float
    """The same at the second level, where noise is averaged out, for the film that matches worst."""
    coarse_similarity: float
    """The same at the coarsest level."""
    gap: float
    """How much less evidence the second-best solution has at the second level, as a share; 1 when there is none."""
    agreement: float
    """Share of the starts that ended at the solution."""
    explained: float
    """Share of the films' open pixels that the CT explains."""
    covariance_mm_rad: Matrix
    """(6, 6) as of PoseQuality, before calibration."""


def evidence_of(refinement: Refinement) -> Evidence:
    """Gather the evidence of a refinement."""
    best = refinement.best
    coarsest, finest = refinement.matchers[0], refinement.matchers[-1]
    coarse = coarsest.match([best.ct_to_world])[0]
    open_pixels = sum(int(film.mask.sum()) for film in coarsest.films)
    twist = finest.covariance(best.ct_to_world)
    return Evidence(
        similarity=float(best.similarity),
        worst_view_similarity=min(_view_similarities(refinement)),
        coarse_similarity=float(coarse.similarity),
        gap=_gap(refinement),
        agreement=refinement.agreement,
        explained=coarse.pixels / max(open_pixels, 1),
        covariance_mm_rad=world_covariance(twist, best.ct_to_world),
    )


def worst_film(refinement: Refinement) -> int:
    """Number of the film that matches worst."""
    return int(np.argmin(_view_similarities(refinement)))


def _view_similarities(refinement: Refinement) -> list[float]:
    matcher = refinement.matchers[min(1, len(refinement.matchers) - 1)]
    views = [replace(matcher, films=(film,)) for film in matcher.films]
    return [float(view.match([refinement.best.ct_to_world])[0].similarity) for view in views]


def _gap(refinement: Refinement) -> float:
    states = refinement.levels[min(1, len(refinement.levels) - 1)]
    best = states[0]
    others = [state.evidence for state in states[1:] if not same_solution(state, best)]
    return 1.0 if not others or best.evidence <= 0 else float(np.clip(1 - max(others) / best.evidence, 0, 1))


def judge(evidence: Evidence, views: int, searched: bool = True) -> PoseQuality:
    """The verdict: logistic regression on the evidence, and a covariance that was set right on known poses.

    Whatever the other evidence, every film must match: another patient's CT, too, has a pose that matches better than
    all others. Unless starts were ``searched`` far and wide, their agreement says less: the match must be better.
    """
    confidence = _confidence(evidence, views)
    if evidence.worst_view_similarity < (NO_MATCH if searched else GOOD_MATCH):
        confidence = min(confidence, 0.9 * ACCEPTED_FROM)
    reason = "" if confidence >= ACCEPTED_FROM else _reason(evidence, views)
    similarity = {name: value for name, value in asdict(evidence).items() if name != "covariance_mm_rad"}
    scale = DEVIATION_FACTOR + DEVIATION_PER_MISMATCH * (1 - evidence.worst_view_similarity)
    return PoseQuality(scale**2 * evidence.covariance_mm_rad, confidence, not reason, reason, similarity)


def _confidence(evidence: Evidence, views: int) -> float:
    logit = INTERCEPT + sum(weight * getattr(evidence, name) for name, weight in WEIGHTS.items())
    logit += SEVERAL_VIEWS * (views > 1)
    return float(1 / (1 + np.exp(-logit)))


def _reason(evidence: Evidence, views: int) -> str:
    if evidence.worst_view_similarity < NO_MATCH:
        films = "the X-ray" if views == 1 else "at least one X-ray"
        return (
            f"The CT's projection does not match {films}: check that it shows this patient and this part of the body, "
            "and that its geometry is right."
        )
    if evidence.explained < MOSTLY_OUTSIDE:
        return (
            "The CT covers too little of the films to be sure: use a CT of the part that the films show, or place it "
            "by hand and refine."
        )
    return "Other poses explain the films about as well: add a second view or landmarks, or place the CT by hand first."
