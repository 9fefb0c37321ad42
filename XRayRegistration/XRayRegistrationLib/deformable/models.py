"""Which motion the films call for: the pose alone, bones, breathing, or that and slow deformation of soft tissue.

Every model is fitted and only kept when the films speak for it: by its evidence at the finest level and, when there are
several views, by how it matches each of them when fitted to the others. A dense field matches the films it has seen
nearly perfectly and the others worse (Gopalakrishnan et al., NeurIPS 2025): that is what both tests turn away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayRegistrationLib.deformable.body_motion import POSE, BodyMotion
from XRayRegistrationLib.deformable.fitting import Posterior, fit, posterior
from XRayRegistrationLib.deformable.matching import DeformedMatcher
from XRayRegistrationLib.rigid.coarse_to_fine import same_pose

Matrix = NDArray[np.float64]

LEAST_EVIDENCE = 3.0
"""A freer model must be exp(this) times as probable as the one before ("strong", Kass and Raftery, JASA 90, 1995)."""

BREATHING_STARTS = tuple(np.linspace(-1.5, 1.5, 13))
"""Descents of the diaphragm, in standard deviations, from which soft tissue is fitted: neighbours see each other."""

HELD_OUT_LEVELS = 1
"""Levels, the coarsest, on which views are left out."""


@dataclass(frozen=True)
class FittedModel:
    """A motion, its matchers coarse to fine, and where its fit ended.

    ``held_out`` is the mean similarity of views that were left out of fits to the others; None for one view.
    """

    name: str
    matchers: tuple[DeformedMatcher, ...]
    posterior: Posterior
    held_out: float | None

    @property
    def motion(self) -> BodyMotion:
        """What may move."""
        return self.matchers[0].motion


def fitted_models(
    matchers: Sequence[DeformedMatcher],
    motions: Sequence[tuple[str, BodyMotion]],
    on_step: Callable[[], None],
    seen: Matrix | None = None,
) -> list[FittedModel]:
    """Each motion fitted from where the one before it ended; ``motions`` from stiff to free, by name.

    ``seen``: numbers of the soft tissue that a network proposes as a further start.
    """
    found: list[FittedModel] = []
    states, observations = [], 0.0
    for _, motion in motions:
        levels = tuple(matcher.of_motion(motion) for matcher in matchers)
        start = states[-1][1].parameters if states else np.zeros(POSE)
        states.append((levels, fit(levels, starts_of(motion, start, seen), on_step)))
        observations = max(observations, states[-1][1].observations)
    for (name, _), (levels, state) in zip(motions, states, strict=True):
        held_out = held_out_similarity(levels[:HELD_OUT_LEVELS], state.parameters, on_step)
        found.append(FittedModel(name, levels, posterior(state, levels[-1], observations), held_out))
    return found


def chosen_model(models: Sequence[FittedModel], *, expected: bool = False) -> FittedModel:
    """The freest model that the films call for; the stiffest when they call for none.

    ``expected``: that the anatomy has moved is no question, only how far. Then the freest, whatever its evidence: its
    prior keeps it near rest where a film tells little, and resting altogether would be a bolder claim.
    """
    if expected:
        return models[-1]
    best = models[0]
    for model in models[1:]:
        likelier = model.posterior.log_evidence > best.posterior.log_evidence + LEAST_EVIDENCE
        if likelier and (model.held_out is None or model.held_out >= best.held_out):
            best = model
    return best


def placed(
    rigid: Matrix,
    matchers: Sequence[DeformedMatcher],
    motions: Sequence[tuple[str, BodyMotion]],
    on_step: Callable[[], None],
    *,
    expected: bool,
) -> Matrix:
    """4x4 ct_to_world of the bones: the ``rigid`` one unless, on the whole of the films, it is clearly another once
    breathing is accounted for.

    Where both are nearly the same, the rigid one is more exact: how chest and belly widen is seen like a change of
    depth. ``motions`` as of :func:`fitted_models`, of which slow deformations, the last, change no bone; ``expected``
    as of :func:`chosen_model`.
    """

    def of_bones(levels: Sequence[DeformedMatcher]) -> Matrix:
        found = chosen_model(fitted_models(levels, motions[:-1], on_step), expected=expected)
        return found.motion.ct_to_world(found.posterior.state.parameters)

    coarse = of_bones(matchers[:1])
    shift_mm = ((coarse - rigid) @ [*motions[0][1].pivot_ras_mm, 1])[:3]
    return rigid if same_pose(rigid, coarse, shift_mm) else of_bones(matchers)


def starts_of(motion: BodyMotion, stiffer: Matrix, seen: Matrix | None = None) -> list[Matrix]:
    """Parameters from where a stiffer motion ended; where that had no soft tissue, also breathed in and out, and as it
    was seen."""
    rest = np.zeros(motion.number)
    rest[: len(stiffer)] = stiffer
    first = motion.number - motion.soft_number
    if not motion.soft_number or len(stiffer) > first:
        return [rest]
    descends = (np.arange(motion.number) == first).astype(float)
    starts = [rest + descent * descends for descent in BREATHING_STARTS]
    return starts if seen is None else [*starts, np.concatenate([rest[:first], seen[: motion.soft_number]])]


def held_out_similarity(
    matchers: Sequence[DeformedMatcher], start: Matrix, on_step: Callable[[], None]
) -> float | None:
    """Mean similarity of each view under the fit to all others.

    The fits may start where the one to all views ended: the prior makes where they end independent of it.
    """
    views = range(len(matchers[0].films))
    if len(views) < 2:
        return None
    found = []
    for view in views:
        others = [n for n in views if n != view]
        state = fit([matcher.of_views(others) for matcher in matchers], [start], on_step)
        found.append(matchers[-1].of_views([view]).match(state.parameters).similarity)
    return float(np.mean(found))
