"""A CT placed on X-rays and deformed to match them: rigid, then bones, then soft tissue, no farther than films tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options, PoseQuality, Result
from XRayLib.ct import Volume, resample
from XRayLib.motion import DisplacementField
from XRayLib.registry import Progress, part_of

from XRayRegistrationLib.deformable.anatomy import deformed_matchers, working_ct
from XRayRegistrationLib.deformable.body_motion import POSE, SETTLED_POSE_DEVIATION, BodyMotion
from XRayRegistrationLib.deformable.bones import bone_pieces
from XRayRegistrationLib.deformable.deformed_result import beyond_ct_mm, field_numbers, moved_mesh, projected
from XRayRegistrationLib.deformable.matching import DeformedMatcher
from XRayRegistrationLib.deformable.mesh_start import motion_seen
from XRayRegistrationLib.deformable.models import LEAST_EVIDENCE, FittedModel, chosen_model, fitted_models, placed
from XRayRegistrationLib.deformable.possible_motions import possible_motions
from XRayRegistrationLib.deformable.soft_tissue import soft_tissue_motion
from XRayRegistrationLib.rigid.coarse_to_fine import TABLE_LEVEL, levels_of
from XRayRegistrationLib.rigid.confidence import Evidence, judge
from XRayRegistrationLib.rigid.covariance import world_covariance
from XRayRegistrationLib.rigid.cut_faces import TISSUE_HU
from XRayRegistrationLib.rigid.least_squares import Matcher
from XRayRegistrationLib.rigid.patient import patient_of
from XRayRegistrationLib.rigid.registration import pose_warnings, register_rigid
from XRayRegistrationLib.rigid.settings import RigidSettings
from XRayRegistrationLib.rigid.starts import chosen_initialisation

Matrix = NDArray[np.float64]

RIGID_SHARE, MODES_SHARE, FITTED_SHARE = 0.35, 0.45, 0.95
"""Progress when the rigid registration, the modes and the fits are there."""

NOT_MISLED_FROM = 0.9
"""Confidence from which on breathing has not misled a rigid registration."""

BEYOND_CT_MM = 3.0
"""An organ that has moved farther than this out of the CT is doubted."""

USUAL_STEPS = 150
"""Steps of all fits together, for the progress."""


@dataclass(frozen=True)
class Prepared:
    """What the fits work on: the CT at the working resolution, the rigid levels, and what could move."""

    ct: Volume
    rigid_levels: tuple[Matcher, ...]
    motions: tuple[tuple[str, BodyMotion], ...]
    """From stiff to free, by name, about the rigid registration's pose."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Fitted:
    """Motions from stiff to free, the one to be believed, and the plain matchers.

    ``seen``: numbers of the soft tissue that a network prepared for the organ proposed.
    """

    models: Sequence[FittedModel]
    chosen: FittedModel
    plain: Sequence[DeformedMatcher]
    seen: Matrix | None = None

    @property
    def is_deformed(self) -> bool:
        """Whether anything but the pose moves."""
        return self.chosen is not self.models[0]

    @property
    def log_evidence_over_rigid(self) -> float:
        """How much more probable the films make what is believed than that only the pose has changed."""
        return self.chosen.posterior.log_evidence - self.models[0].posterior.log_evidence


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
    rigid = register_rigid(case, options, part_of(progress, 0.0, RIGID_SHARE), kept, method=method)
    started = time.perf_counter()
    prepared = _prepared(case, options, rigid, kept is not None, part_of(progress, RIGID_SHARE, MODES_SHARE))
    seconds_prepared = time.perf_counter() - started
    fitted = _fitted(case, options, prepared, rigid, kept is not None, _counting(progress))
    progress(FITTED_SHARE, "Deforming the CT")
    seconds = {
        **rigid.pose_quality.seconds,
        "modes": round(seconds_prepared, 3),
        "deformation": round(time.perf_counter() - started - seconds_prepared, 3),
    }
    return _result(case, options, rigid, prepared, fitted, seconds)


def _prepared(case: Case, options: Options, rigid: Result, kept: bool, progress: Progress) -> Prepared:
    """The patient, the rigid registration's levels at its solution, and what could move."""
    patient = patient_of(case.ct, case.radiographs, options.device)
    levels = levels_of(patient, case.radiographs)
    state = levels.without_table[min(TABLE_LEVEL, len(levels.without_table) - 1)].match([rigid.ct_to_world])[0]
    used = levels.choose(min(TABLE_LEVEL, len(levels.without_table) - 1), state)
    ct = working_ct(case.ct, with_table=used is levels.with_table)
    progress(0.1, "Finding bones")
    bones = None if kept else bone_pieces(ct, case.labels)
    progress(0.3, "Modelling breathing")
    soft, notes = soft_tissue_motion(case, ct)
    motions = possible_motions(ct, rigid.ct_to_world, used[0].pivot_ras_mm, bones, soft)
    return Prepared(ct, used, tuple(motions), notes)


def _fitted(
    case: Case, options: Options, prepared: Prepared, rigid: Result, kept: bool, on_step: Callable[[], None]
) -> Fitted:
    """First where the patient lies, on the whole of the films, then how soft tissue has moved, near the organ."""
    loose, pose = prepared.motions, rigid.ct_to_world
    soft = loose[-1][1].soft
    plain = deformed_matchers(prepared.ct, prepared.rigid_levels, loose[0][1], options.device)
    if soft is None:
        models = fitted_models(plain, _settled(loose, pose) if kept else loose, on_step)
        return Fitted(models, chosen_model(models), plain)
    # That an organ which breathes has moved is no question, only how.
    expected = kept or case.mesh is not None
    if not kept and rigid.pose_quality.confidence < NOT_MISLED_FROM:
        pose = placed(pose, plain, loose, on_step, expected=expected)
    near = [matcher.attending_to(soft.model.organ, pose) for matcher in plain]
    seen = motion_seen(case, soft, pose, options)
    models = fitted_models(near, _settled(loose, pose), on_step, seen)
    return Fitted(models, chosen_model(models, expected=expected), plain, seen)


def _settled(motions: Sequence[tuple[str, BodyMotion]], pose: Matrix) -> list[tuple[str, BodyMotion]]:
    """The same motions about a pose that is known but for a little."""
    return [(name, replace(motion, rigid=pose, pose_deviation=SETTLED_POSE_DEVIATION)) for name, motion in motions]


def kept_pose(case: Case, options: Options) -> list[Matrix] | None:
    """The case's pose as the only start where it is taken as it is, and only a deformation sought; else None.

    Others near it, which would be tried, may look better and be far off in depth.
    """
    if case.initial_ct_to_world is None or RigidSettings.from_options(options).refine:
        return None
    return [np.asarray(case.initial_ct_to_world, float)]


def _result(
    case: Case, options: Options, rigid: Result, prepared: Prepared, fitted: Fitted, seconds: dict[str, float]
) -> Result:
    chosen, deformed = fitted.chosen, fitted.is_deformed
    motion, parameters = chosen.motion, chosen.posterior.state.parameters
    pose = motion.ct_to_world(parameters) if deformed else rigid.ct_to_world
    field = motion.field(parameters) if deformed else motion.grid
    quality = _judged(case, options, rigid.pose_quality, fitted.plain, chosen) if deformed else rigid.pose_quality
    views = projected(prepared.ct, field, pose, [view.radiograph for view in rigid.views], options.device)
    uncertainty = motion.deviation_mm(parameters, chosen.posterior.covariance)
    outdated = pose_warnings(case, rigid.pose_quality)
    notes = (*(note for note in rigid.warnings if note not in outdated), *pose_warnings(case, quality))
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
        | _numbers(fitted, field)
        | _deviations(uncertainty, prepared.ct),
        warnings=(*notes, *prepared.notes, *_doubts(fitted), *_left_ct(case, field)),
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


def _doubts(fitted: Fitted) -> tuple[str, ...]:
    """What the user must know where the films hardly tell a motion."""
    if not fitted.is_deformed:
        return ("The X-rays do not call for a deformation: the result is the rigid registration.",)
    if fitted.log_evidence_over_rigid < LEAST_EVIDENCE:
        return ("The X-rays could be explained without a deformation: mind how uncertain each point is.",)
    return ()


def _left_ct(case: Case, field: DisplacementField) -> tuple[str, ...]:
    """What the user must know where the CT does not show what the organ has moved into."""
    if case.mesh is None:
        return ()
    beyond = beyond_ct_mm(field.moved(case.mesh.points), case.ct)
    if beyond < BEYOND_CT_MM:
        return ()
    return (
        f"The organ has moved up to {beyond:.0f} mm out of the CT: what it meets there was guessed, and its motion may "
        "be several millimetres off. Use a CT that reaches further beyond the organ, if there is one.",
    )


def _numbers(fitted: Fitted, field: DisplacementField) -> dict[str, float]:
    first, chosen, freest = fitted.models[0], fitted.chosen, fitted.models[-1]
    numbers = field_numbers(field) | {
        "similarity": chosen.posterior.state.similarity,
        "similarity_rigid": first.posterior.state.similarity,
        "log_evidence_over_rigid": fitted.log_evidence_over_rigid,
    }
    if fitted.seen is not None:
        rest = np.zeros(freest.motion.number - len(fitted.seen))
        at_network = np.concatenate([rest, fitted.seen])
        numbers["similarity_seen"] = freest.matchers[-1].match(at_network, with_slopes=False).similarity
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


def _counting(progress: Progress) -> Any:
    steps = iter(range(10**9))

    def step() -> None:
        share = 1 - np.exp(-next(steps) / USUAL_STEPS)
        progress(MODES_SHARE + (FITTED_SHARE - MODES_SHARE) * float(share), "Deforming the CT to match")

    return step
