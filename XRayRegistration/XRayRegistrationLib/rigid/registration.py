"""A CT placed on X-rays: start poses, refinement from coarse to fine, and how sure the result is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib import __version__
from XRayLib.case import Case, Options, PoseQuality, Result, View
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import geometry_document
from XRayLib.radiograph import Radiograph
from XRayLib.registry import Progress
from XRayLib.reprojection import reproject

from XRayRegistrationLib.rigid.attempts import best_attempt, is_searched, judged
from XRayRegistrationLib.rigid.coarse_to_fine import LOOSE_STAGES, STAGES, Refinement, levels_of, refine
from XRayRegistrationLib.rigid.diagnosis import ALTERATIONS, MIRRORED, wrong_orientation
from XRayRegistrationLib.rigid.film_checks import check_films
from XRayRegistrationLib.rigid.intrinsics import Camera, refine_with_cameras
from XRayRegistrationLib.rigid.patient import Patient, patient_of
from XRayRegistrationLib.rigid.settings import RigidSettings
from XRayRegistrationLib.rigid.timing import timed

Matrix = NDArray[np.float64]

BEYOND_DOUBT = 0.87
"""Similarity of the film that matches worst from which on it cannot be mirrored: a chest nearly is its mirror image."""

CAMERA_LEVELS = slice(1, 3)
"""Levels of the pyramid at which the films' own geometry is refined."""


def register_rigid(
    case: Case,
    options: Options,
    progress: Progress,
    starts: Sequence[Matrix] | None = None,
    method: str = "intensity",
) -> Result:
    """Find the CT's pose on the films.

    Parameters
    ----------
    case : Case
        One or more radiographs in one world frame, and the CT.
    options : Options
        ``extra``: see :class:`RigidSettings`.
    starts : sequence of 4x4 ct_to_world, optional
        Poses to start from, e.g. of a network; None: as the options say.
    method : str
        Id under which the result is reported.

    Returns
    -------
    Result
        ``ct_to_world``, ``pose_quality`` and the views; ``pose_quality.accepted`` tells whether to trust it.

    Raises
    ------
    InputError
        No CT, films without content, options that are not known.
    RefusedError
        The CT does not meet the films from any start.
    """
    if case.ct is None:
        raise InputError("Registration needs a CT of the patient: choose one.")
    settings = RigidSettings.from_options(options)
    check_films(case.radiographs)
    seconds: dict[str, float] = {}
    with timed(seconds, "preparation"):
        progress(0.0, "Preparing the CT")
        patient = patient_of(case.ct, case.radiographs, options.device)
        stages = LOOSE_STAGES if settings.refine_intrinsics else STAGES
        levels = levels_of(patient, case.radiographs, stages=stages)
    searched = is_searched(case, settings, starts)
    found = best_attempt(case, settings, levels, starts, progress, seconds)
    refinement, quality = found.refinement, found.quality
    radiographs, cameras = case.radiographs, ()
    if settings.refine_intrinsics and settings.refine:
        radiographs, cameras, refinement = _with_cameras(case, patient, refinement)
        quality = judged(case, refinement, searched, seconds)
    with timed(seconds, "quality"):
        progress(0.8, "Judging the result")
        if searched and quality.similarity["worst_view_similarity"] < BEYOND_DOUBT:
            progress(0.85, "Checking the films' orientation")
            tried = (MIRRORED,) if quality.accepted else tuple(ALTERATIONS)
            wrong = wrong_orientation(case, settings, patient, refinement, tried)
            quality = replace(quality, accepted=False, reason=wrong) if wrong else quality
    progress(0.9, "Projecting the CT")
    pose = refinement.best.ct_to_world
    views = reproject(Volume(case.ct.voxels, pose @ case.ct.ijk_to_ras), radiographs, options.device)
    quality = replace(quality, seconds=seconds, initial_ct_to_world=refinement.start_of_best)
    return Result(
        method,
        ct_to_world=pose,
        pose_quality=quality,
        views=views,
        quality={"confidence": quality.confidence, **quality.similarity, "reprojection_residual": _residual(views)},
        warnings=(*found.notes, *_camera_notes(cameras), *pose_warnings(case, quality)),
        provenance=_provenance(method, radiographs, options, settings, seconds),
    )


def _with_cameras(
    case: Case, patient: Patient, refinement: Refinement
) -> tuple[tuple[Radiograph, ...], tuple[Camera, ...], Refinement]:
    """The films in the geometry that explains them best, what was changed of it, and the refinement with it."""
    matchers = refinement.matchers[CAMERA_LEVELS] or refinement.matchers
    pose, cameras = refine_with_cameras(matchers, refinement.best.ct_to_world)
    radiographs = tuple(
        replace(radiograph, geometry=camera.apply(radiograph.geometry))
        for radiograph, camera in zip(case.radiographs, cameras, strict=True)
    )
    again = refine(levels_of(patient, radiographs), [pose])
    kept = {"start_of_best": refinement.start_of_best, "agreement": refinement.agreement, "levels": refinement.levels}
    return radiographs, cameras, replace(again, **kept)


def _camera_notes(cameras: Sequence[Camera]) -> Iterator[str]:
    for number, camera in enumerate(cameras, start=1):
        yield f"The geometry of X-ray {number} was changed to fit: {camera}."


def _residual(views: Sequence[View]) -> float:
    return float(np.mean([view.residual for view in views]))


def pose_warnings(case: Case, quality: PoseQuality) -> tuple[str, ...]:
    """What the user must know about a pose from these films."""
    sentences = []
    geometry = case.radiographs[0].geometry
    if len(case.radiographs) == 1:
        ray = geometry.detector_normal
        depth_mm = float(np.sqrt(ray @ quality.covariance_mm_rad[:3, :3] @ ray))
        sentences.append(
            f"One X-ray shows depth only by magnification: along the ray the position is uncertain by about "
            f"{2 * depth_mm:.1f} mm (two standard deviations). A second view removes this."
        )
    assumed = sorted({phrase for radiograph in case.radiographs for phrase in radiograph.geometry.assumed})
    if assumed:
        sentences.append(f"The pose is only as good as what was assumed about the films: {'; '.join(assumed)}.")
    return tuple(sentences)


def _provenance(
    method: str, radiographs: Sequence[Radiograph], options: Options, settings: RigidSettings, seconds: dict[str, float]
) -> dict[str, Any]:
    return {
        "method": method,
        "options": {"device": options.device, "seed": options.seed, **asdict(settings)},
        "views": [geometry_document(radiograph.geometry) for radiograph in radiographs],
        "versions": {"xray3d": __version__, "numpy": np.__version__},
        "seconds": seconds,
    }
