"""One registration of the proof, run and judged: a row of plain numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from proof_cases import Matrix, ProofCase
from proof_films import Exposure, Patient, expose_case
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.evaluate_pose import evaluate_pose

Register = Callable[[Case, Options], Result]

STARTS = ("nominal", "true")


def run_case(
    case: ProofCase, register: Register, registered: Patient, shown: Patient, options: Options, start: str = "nominal"
) -> dict[str, Any]:
    """Make the films, register, judge.

    ``start`` "true" gives the method the answer as its start, which tells a missed basin from a limit of accuracy.
    An error of the project's own kind is a refusal, with its sentence as the reason; any other is a bug and is raised.
    """
    exposure = expose_case(case, registered, shown)
    given = exposure.true_ct_to_world if start == "true" and exposure.true_ct_to_world is not None else np.eye(4)
    row: dict[str, Any] = case.as_dict() | {"negative": case.is_negative, "start": start}
    begin, begin_cpu = time.perf_counter(), time.process_time()
    try:
        result = register(Case(exposure.radiographs, ct=exposure.ct, initial_ct_to_world=given), options)
    except XRay3DError as error:
        row |= {"accepted": False, "reason": str(error), "raised": type(error).__name__, "confidence": 0.0}
        result = None
    row |= {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - begin_cpu}
    row["initial"] = _errors(exposure, given)
    if result is not None:
        row |= judged(exposure, result)
    return row


def judged(exposure: Exposure, result: Result) -> dict[str, Any]:
    """The method's own statement and how far it is from the truth."""
    quality, pose = result.pose_quality, result.ct_to_world
    assert quality is not None and pose is not None
    said = {
        "accepted": bool(quality.accepted),
        "reason": quality.reason,
        "confidence": float(quality.confidence),
        "similarity": dict(quality.similarity),
        "stage_seconds": dict(quality.seconds),
        "ct_to_world": pose.tolist(),
        "covariance_mm_rad": np.asarray(quality.covariance_mm_rad).tolist(),
        "final": _errors(exposure, pose),
    }
    if exposure.true_ct_to_world is None:
        return said
    view = exposure.radiographs[0].geometry
    uncertainty = along_view_axes(exposure.true_ct_to_world, pose, quality.covariance_mm_rad, exposure.ct, view)
    return said | {"true_ct_to_world": exposure.true_ct_to_world.tolist(), **uncertainty}


def along_view_axes(
    true: Matrix, found: Matrix, covariance: Matrix, ct: Volume, view: XRayGeometry
) -> dict[str, list[float]]:
    """The pose's error as a small motion about the CT's middle, and its predicted standard deviation.

    Six numbers each: translation along the view's columns, rows and depth (mm), then rotation about them (rad).
    """
    axes = np.stack([view.column_direction, view.row_direction, view.detector_normal])
    middle = (found @ [*ct.center_ras_mm, 1.0])[:3]
    error = found @ np.linalg.inv(true)
    shift = error[:3, :3] @ middle + error[:3, 3] - middle
    both = np.zeros((6, 6))
    both[:3, :3] = both[3:, 3:] = axes
    spread = both @ np.asarray(covariance, float) @ both.T
    motion = [*(axes @ shift), *(axes @ _rotation_vector(error[:3, :3]))]
    return {
        "error_mm_rad": [float(value) for value in motion],
        "predicted_sd_mm_rad": [float(value) for value in np.sqrt(np.maximum(np.diag(spread), 0))],
    }


def _errors(exposure: Exposure, pose: Matrix) -> dict[str, float] | None:
    """Errors of a pose; in-plane and depth are of the targets' middle, in the first view's axes."""
    true = exposure.true_ct_to_world
    if true is None:
        return None
    views = [film.geometry for film in exposure.radiographs]
    measured = evaluate_pose(true, pose, landmarks_ct_ras=exposure.targets_ct_ras_mm, geometries=views)["result"]
    middle = np.append(exposure.targets_ct_ras_mm.mean(axis=0), 1.0)
    shift = ((pose - true) @ middle)[:3]
    column, row = views[0].column_direction @ shift, views[0].row_direction @ shift
    return {
        "mtre_mm": measured["mtre_mm"],
        "rotation_deg": measured["rotation_deg"],
        "in_plane_mm": float(np.hypot(column, row)),
        "depth_mm": float(views[0].detector_normal @ shift),
        "projected_mtre_mm": float(np.mean([view["projected_mtre_mm"] for view in measured["views"]])),
        "reprojection_distance_mm": float(np.mean([view["reprojection_distance_mm"] for view in measured["views"]])),
    }


def _rotation_vector(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(rotation).as_rotvec()
