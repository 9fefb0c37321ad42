"""The pose of a CT from landmarks picked in it and on the films, with what they leave uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from XRayLib.case import Case, Landmarks
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry

from XRayRegistrationLib.rigid.landmark_fit import Solution, fit
from XRayRegistrationLib.rigid.landmark_picks import Picks, picks_of
from XRayRegistrationLib.rigid.nominal import nominal_start

Matrix = NDArray[np.float64]

CONTRADICTION_MM = 30.0
"""Root mean square residual on the detector above which the pairs are not the same places."""


@dataclass(frozen=True, eq=False)
class LandmarkPose:
    """A pose from landmarks. Arrays (views, points) are NaN, or False, where a point was not picked on a film."""

    ct_to_world: Matrix
    residual_px: Matrix
    """Distance of each landmark's projection from where it was picked."""
    residual_mm: Matrix
    """The same in the patient: the distance on the detector, scaled down to the landmark's depth."""
    used: NDArray[np.bool_]
    """False also for pairs that contradict the others and were left out."""
    covariance_mm_rad: Matrix
    """(6, 6) as of :class:`XRayLib.case.PoseQuality`, about the pivot."""
    alternatives: tuple[Matrix, ...]
    """Other poses that explain the landmarks about as well, nearest first: further starts for a refinement."""
    notes: tuple[str, ...]
    """For the user: what was left out and what stays ambiguous, one sentence each."""


def landmark_start(case: Case) -> LandmarkPose:
    """The pose that a case's landmarks give, nearest to its initial pose or else to the nominal one.

    Raises
    ------
    InputError
        When the case has no CT or no landmarks, or for what :func:`pose_from_landmarks` raises.
    """
    if case.ct is None or case.landmarks is None:
        raise InputError("A start from landmarks needs a CT and landmarks on it and on the X-rays: add them.")
    near = nominal_start(case) if case.initial_ct_to_world is None else case.initial_ct_to_world
    geometries = [radiograph.geometry for radiograph in case.radiographs]
    return pose_from_landmarks(case.landmarks, geometries, near, case.ct.center_ras_mm)


def pose_from_landmarks(
    landmarks: Landmarks,
    geometries: Sequence[XRayGeometry],
    near: ArrayLike,
    pivot_ct_ras_mm: ArrayLike | None = None,
) -> LandmarkPose:
    """The rigid pose that brings landmarks of the CT onto their pixels on one or several films.

    Closed forms give candidates (landmark_starts.py), Levenberg-Marquardt on the distances on the detectors, over all
    films together, refines each. Of those that explain the pairs about equally well (three pairs on one film have up to
    four such poses, points in a plane two) the one nearest to ``near`` is taken. From five landmarks on, a pair whose
    removal improves the fit significantly (F-test, Bonferroni-corrected) is left out.

    Parameters
    ----------
    landmarks : Landmarks
        At least three, not on a line, picked on at least one film each.
    geometries : one per film
    near : (4, 4)
        ``ct_to_world`` that is expected.
    pivot_ct_ras_mm : (3,), optional
        The point of the CT about which the covariance is told; default the middle of the landmarks.

    Raises
    ------
    InputError
        Too few landmarks, landmarks on a line, arrays that do not fit each other, or pairs that contradict each other.
    """
    picks = picks_of(landmarks, geometries)
    trusted, solution = fit(picks, np.asarray(near, float))
    rms = np.sqrt(solution.squares / (2 * trusted.sum()))
    if rms > CONTRADICTION_MM:
        raise InputError(
            f"The landmarks contradict each other ({rms:.0f} mm on the detector): check that each pair is one place."
        )
    used = picks.kept(trusted)
    pivot = used.ct_ras_mm.mean(axis=0) if pivot_ct_ras_mm is None else np.asarray(pivot_ct_ras_mm, float)
    pose = solution.poses[0]
    shape = (len(geometries), len(landmarks.ct_ras_mm))
    return LandmarkPose(
        ct_to_world=pose,
        residual_px=_table(picks, shape, np.linalg.norm(picks.residual_px(pose), axis=1)),
        residual_mm=_table(picks, shape, picks.residual_patient_mm(pose)),
        used=_table(picks, shape, trusted.astype(float)) == 1.0,
        covariance_mm_rad=_covariance(used, pose, pivot, solution.variance),
        alternatives=solution.poses[1:],
        notes=_notes(picks, trusted, solution, landmarks.names),
    )


def _covariance(picks: Picks, pose: Matrix, pivot_ct: Matrix, variance: float) -> Matrix:
    jacobian = picks.jacobian(pose, pose[:3, :3] @ pivot_ct + pose[:3, 3])
    values, axes = np.linalg.eigh(jacobian.T @ jacobian)
    return variance * (axes / np.maximum(values, 1e-12)) @ axes.T


def _table(picks: Picks, shape: tuple[int, int], values: Matrix) -> Matrix:
    table = np.full(shape, np.nan)
    table[picks.view, picks.point] = values
    return table


def _notes(picks: Picks, trusted: NDArray[np.bool_], solution: Solution, names: Sequence[str]) -> tuple[str, ...]:
    distances = picks.residual_patient_mm(solution.poses[0])
    notes = []
    for n in np.flatnonzero(~trusted):
        number = picks.point[n]
        name = names[number] if number < len(names) and names[number] else str(number + 1)
        notes.append(
            f"Landmark {name} on X-ray {picks.view[n] + 1} is {distances[n]:.0f} mm from where the others put it and "
            "was left out: pick it again."
        )
    if len(solution.poses) > 1:
        notes.append(
            f"{len(solution.poses)} poses explain the landmarks about equally well and the one nearest to the expected "
            "was taken: add a landmark."
        )
    return tuple(notes)
