"""A CT placed on X-rays and deformed to match them: rigid, then bones, then soft tissue, no farther than films tell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, PoseQuality, Result
from XRayLib.ct import Volume, resample
from XRayLib.motion import DisplacementField
from XRayLib.registry import Progress

from XRayRegistrationLib.deformable.anatomy import deformed_matchers, working_ct
from XRayRegistrationLib.deformable.body_motion import (
    KEPT_POSE_DEVIATION,
    POSE,
    POSE_DEVIATION,
    BodyMotion,
    body_motion,
)
from XRayRegistrationLib.deformable.bones import BonePieces, bone_pieces
from XRayRegistrationLib.deformable.deformed_result import field_numbers, moved_mesh, projected
from XRayRegistrationLib.deformable.matching import DeformedMatcher
from XRayRegistrationLib.deformable.mesh_start import motion_seen
from XRayRegistrationLib.deformable.models import FittedModel, chosen_model, fitted_models
from XRayRegistrationLib.deformable.soft_tissue import soft_tissue_motion
from XRayRegistrationLib.rigid.coarse_to_fine import TABLE_LEVEL, levels_of
from XRayRegistrationLib.rigid.confidence import Evidence, judge
from XRayRegistrationLib.rigid.covariance import world_covariance
from XRayRegistrationLib.rigid.cut_faces import TISSUE_HU
from XRayRegistrationLib.rigid.least_squares import Matcher
from XRayRegistrationLib.rigid.patient import patient_of
from XRayRegistrationLib.rigid.registration import register_rigid
from XRayRegistrationLib.rigid.settings import RigidSettings
from XRayRegistrationLib.rigid.starts import chosen_initialisation

if TYPE_CHECKING:
    from XRayLib.motion import SteeredMotion

Matrix = NDArray[np.float64]

RIGID_SHARE, MODES_SHARE, FITTED_SHARE = 0.35, 0.45, 0.95
"""Progress when the rigid registration, the modes and the fits are there."""

USUAL_STEPS = 150
"""Steps of all fits together, for the progress."""


@dataclass(frozen=True)
class Prepared:
    """What the fits work on: the CT at the working resolution, the rigid levels, and the possible motions."""

    ct: Volume
    rigid_levels: tuple[Matcher, ...]
    motions: tuple[tuple[str, BodyMotion], ...]
    notes: tuple[str, ...]
    seen: Matrix | None
    """Numbers of the soft tissue that a network prepared for the organ proposes."""
    pose_is_kept: bool
    """Only how the organ has moved is asked for."""


def register_deformable(case: Case, options: Options, progress: Progress, method: str = "deformable") -> Result:
    """Find pose and deformation of the CT on the films, all views together.

    Parameters
    ----------
    case : Case
        As for :func:`register_rigid`; ``mesh`` (an organ that breathes, in CT RAS) and ``labels`` may help.
    options : Options
        ``extra``: see :class:`RigidSettings`.

    Returns
    -------
    Result
        ``ct_to_world``, ``deformation`` (all zero when the films do not call for one), ``uncertainty`` (one standard
        deviation of each point in mm), ``mesh`` in the world when the case has one, ``quality`` with folding_fraction,
        similarity and held-out similarity beside those of the rigid registration (and of the network, where one is
        prepared for the organ). With ``extra["refine"]`` False the given pose, and with it the bones, is kept but for
        what a rigid registration leaves.

    Raises
    ------
    InputError, RefusedError
        As :func:`register_rigid`.
    """
    kept = kept_pose(case, options)
    rigid = register_rigid(case, options, _part(progress, 0.0, RIGID_SHARE), kept, method=method)
    started = time.perf_counter()
    prepared = _prepared(case, options, rigid, kept is not None, _part(progress, RIGID_SHARE, MODES_SHARE))
    seconds_prepared = time.perf_counter() - started
    stiff = prepared.motions[0][1]
    plain = deformed_matchers(prepared.ct, prepared.rigid_levels, stiff, options.device)
    soft = prepared.motions[-1][1].soft
    matchers = plain if soft is None else tuple(m.attending_to(soft.model.organ, rigid.ct_to_world) for m in plain)
    models = fitted_models(matchers, prepared.motions, _counting(progress), prepared.seen)
    chosen = chosen_model(models, expected=prepared.pose_is_kept)
    progress(FITTED_SHARE, "Deforming the CT")
    seconds = {
        **rigid.pose_quality.seconds,
        "modes": round(seconds_prepared, 3),
        "deformation": round(time.perf_counter() - started - seconds_prepared, 3),
    }
    return _result(case, options, rigid, prepared, plain, models, chosen, seconds)


def _prepared(case: Case, options: Options, rigid: Result, kept: bool, progress: Progress) -> Prepared:
    """The patient, the rigid registration's levels at its solution, and what could move."""
    patient = patient_of(case.ct, case.radiographs, options.device)
    levels = levels_of(patient, case.radiographs)
    state = levels.without_table[min(TABLE_LEVEL, len(levels.without_table) - 1)].match([rigid.ct_to_world])[0]
    used = levels.choose(min(TABLE_LEVEL, len(levels.without_table) - 1), state)
    ct = working_ct(case.ct, with_table=used is levels.with_table)
    pivot = used[0].pivot_ras_mm
    progress(0.1, "Finding bones")
    bones = None if kept else bone_pieces(ct, case.labels)
    progress(0.3, "Modelling breathing")
    soft, notes = soft_tissue_motion(case, ct)
    deviation = KEPT_POSE_DEVIATION if kept else POSE_DEVIATION

    def motion(bones: BonePieces | None = None, soft: SteeredMotion | None = None) -> BodyMotion:
        return body_motion(ct, rigid.ct_to_world, pivot, bones, soft, deviation)

    motions = [("rigid", motion())]
    if bones is not None and len(bones) > 1:
        motions.append(("bones", motion(bones)))
    if soft is not None:
        also = "" if bones is None else "bones and "
        motions.append((f"{also}breathing", motion(bones, soft.of_breathing())))
        motions.append((f"{also}soft tissue", motion(bones, soft)))
    seen = None if soft is None else motion_seen(case, soft, rigid.ct_to_world, options)
    return Prepared(ct, used, tuple(motions), notes, seen, kept)


def kept_pose(case: Case, options: Options) -> list[Matrix] | None:
    """The case's pose as the only start where it is taken as it is, and only a deformation sought; else None.

    Others near it, which would be tried, may look better and be far off in depth.
    """
    if case.initial_ct_to_world is None or RigidSettings.from_options(options).refine:
        return None
    return [np.asarray(case.initial_ct_to_world, float)]


def _result(
    case: Case,
    options: Options,
    rigid: Result,
    prepared: Prepared,
    plain: Sequence[DeformedMatcher],
    models: Sequence[FittedModel],
    chosen: FittedModel,
    seconds: dict[str, float],
) -> Result:
    motion, parameters = chosen.motion, chosen.posterior.state.parameters
    deformed = chosen is not models[0]
    pose = motion.ct_to_world(parameters) if deformed else rigid.ct_to_world
    field = motion.field(parameters) if deformed else motion.grid
    quality = _judged(case, options, rigid.pose_quality, plain, chosen) if deformed else rigid.pose_quality
    views = projected(prepared.ct, field, pose, [view.radiograph for view in rigid.views], options.device)
    uncertainty = motion.deviation_mm(parameters, chosen.posterior.covariance)
    none = () if deformed else ("The X-rays do not call for a deformation: the result is the rigid registration.",)
    return replace(
        rigid,
        ct_to_world=pose,
        deformation=field,
        uncertainty=uncertainty,
        mesh=None if case.mesh is None else moved_mesh(case.mesh, field, pose, uncertainty),
        pose_quality=replace(quality, seconds=seconds),
        views=views,
        quality=rigid.quality
        | {"confidence": quality.confidence, "reprojection_residual": float(np.mean([v.residual for v in views]))}
        | _numbers(models, chosen, field, prepared.seen)
        | _deviations(uncertainty, prepared.ct),
        warnings=(*rigid.warnings, *prepared.notes, *none),
        provenance={**rigid.provenance, "motion": chosen.name, "parameters": parameters.tolist(), "seconds": seconds},
    )


def _judged(
    case: Case, options: Options, rigid: PoseQuality, plain: Sequence[DeformedMatcher], chosen: FittedModel
) -> PoseQuality:
    """The verdict on the pose with the deformed CT in place of the rigid one, over the whole of the films."""
    parameters = chosen.posterior.state.parameters
    coarse, *finer = (matcher.of_motion(chosen.motion) for matcher in plain)
    second = finer[0] if finer else coarse
    views = [second.of_views([n]).match(parameters, with_slopes=False).similarity for n in range(len(second.films))]
    motion = chosen.motion
    evidence = Evidence(
        **rigid.similarity
        | {
            "similarity": (finer[-1] if finer else coarse).match(parameters, with_slopes=False).similarity,
            "worst_view_similarity": min(views),
            "coarse_similarity": coarse.match(parameters, with_slopes=False).similarity,
        },
        covariance_mm_rad=world_covariance(chosen.posterior.covariance[:POSE, :POSE], motion.ct_to_world(parameters)),
    )
    searched = chosen_initialisation(case, RigidSettings.from_options(options)) == "search"
    judged = judge(evidence, len(case.radiographs), searched)
    return replace(judged, covariance_mm_rad=evidence.covariance_mm_rad, initial_ct_to_world=rigid.initial_ct_to_world)


def _numbers(
    models: Sequence[FittedModel], chosen: FittedModel, field: DisplacementField, seen: Matrix | None
) -> dict[str, float]:
    first = models[0]
    numbers = field_numbers(field) | {
        "similarity": chosen.posterior.state.similarity,
        "similarity_rigid": first.posterior.state.similarity,
        "log_evidence_over_rigid": chosen.posterior.log_evidence - first.posterior.log_evidence,
    }
    if seen is not None:  # the last model is the one with soft tissue
        motion = models[-1].motion
        at_network = np.concatenate([np.zeros(motion.number - len(seen)), seen])
        numbers["similarity_seen"] = models[-1].matchers[-1].match(at_network, with_slopes=False).similarity
    if chosen.held_out is not None:
        numbers |= {"held_out_similarity": chosen.held_out, "held_out_similarity_rigid": first.held_out}
    return numbers


def _deviations(uncertainty: Volume, ct: Volume) -> dict[str, float]:
    """Median and 95th percentile of the points' standard deviations in the body."""
    body = resample(ct, uncertainty.voxels.shape, uncertainty.ijk_to_ras).voxels > TISSUE_HU
    inside = uncertainty.voxels[body] if body.any() else uncertainty.voxels
    return {
        "deviation_median_mm": float(np.median(inside)),
        "deviation_p95_mm": float(np.percentile(inside, 95)),
    }


def _part(progress: Progress, begin: float, end: float) -> Progress:
    return lambda fraction, stage: progress(begin + (end - begin) * fraction, stage)


def _counting(progress: Progress) -> Any:
    steps = iter(range(10**9))

    def step() -> None:
        share = 1 - np.exp(-next(steps) / USUAL_STEPS)
        progress(MODES_SHARE + (FITTED_SHARE - MODES_SHARE) * float(share), "Deforming the CT to match")

    return step
