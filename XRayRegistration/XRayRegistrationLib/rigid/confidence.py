"""Whether a registration is to be trusted: what the films say about it, and the rule that accepts or refuses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import PoseQuality

from XRayRegistrationLib.rigid.coarse_to_fine import Refinement, same_solution
from XRayRegistrationLib.rigid.covariance import world_covariance

Matrix = NDArray[np.float64]


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
        worst_view_similarity=_worst_view(refinement),
        coarse_similarity=float(coarse.similarity),
        gap=_gap(refinement),
        agreement=refinement.agreement,
        explained=coarse.pixels / max(open_pixels, 1),
        covariance_mm_rad=world_covariance(twist, best.ct_to_world),
    )


def _worst_view(refinement: Refinement) -> float:
    matcher = refinement.matchers[min(1, len(refinement.matchers) - 1)]
    views = [replace(matcher, films=(film,)) for film in matcher.films]
    return float(min(view.match([refinement.best.ct_to_world])[0].similarity for view in views))


def _gap(refinement: Refinement) -> float:
    states = refinement.levels[min(1, len(refinement.levels) - 1)]
    best = states[0]
    others = [state.evidence for state in states[1:] if not same_solution(state, best)]
    return 1.0 if not others or best.evidence <= 0 else float(np.clip(1 - max(others) / best.evidence, 0, 1))


def judge(evidence: Evidence, views: int) -> PoseQuality:
    """Accept or refuse."""
    del views  # TEMP
    confidence = float(np.clip((evidence.similarity - 0.4) / 0.4, 0, 1))
    accepted = confidence > 0.3
    reason = "" if accepted else "The CT's projection does not match the films."
    similarity = {name: value for name, value in asdict(evidence).items() if name != "covariance_mm_rad"}
    return PoseQuality(evidence.covariance_mm_rad, confidence, accepted, reason, similarity)
