"""Every pose metric of a registration against the true pose, beside the poses it had to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import (
    Matrix,
    Points,
    moved,
    projection_errors_mm,
    reprojection_distances_mm,
    rotation_error_deg,
    success_rates,
    target_grid,
    target_registration_errors_mm,
)
from XRayLib.metrics.ray_errors import named_ray_errors
from XRayLib.pose_file import rigid_matrix


def evaluate_pose(
    reference_ct_to_world: ArrayLike,
    result_ct_to_world: ArrayLike,
    *,
    ct: Volume | None = None,
    landmarks_ct_ras: ArrayLike | None = None,
    geometries: Sequence[XRayGeometry] = (),
    initial_ct_to_world: ArrayLike | None = None,
) -> dict[str, Any]:
    """Metrics of a pose, of the initial pose and of no motion (identity) against the true pose.

    Targets are the landmarks (N, 3), else a grid of points inside the body of ``ct``; one of the two is needed.

    Returns
    -------
    dict
        ``result`` and ``baselines`` (identity, initial), each with rotation_deg; translation_mm, the displacement of
        the targets' middle; mtre_mm, tre_p95_mm, tre_max_mm; success: mtre_mm below 1, 2, 5, 10 mm (1.0 or 0.0);
        ``views``: per geometry projected_mtre_mm (on the detector), reprojection_distance_mm (in space) and the errors
        along and across the rays.
    """
    reference = rigid_matrix(reference_ct_to_world, "reference")
    points = _targets(ct, landmarks_ct_ras)
    candidates = {"identity": np.eye(4)}
    if initial_ct_to_world is not None:
        candidates["initial"] = rigid_matrix(initial_ct_to_world, "initial")
    return {
        "targets": len(points),
        "result": _metrics(reference, rigid_matrix(result_ct_to_world, "result"), points, geometries),
        "baselines": {name: _metrics(reference, pose, points, geometries) for name, pose in candidates.items()},
    }


def _targets(ct: Volume | None, landmarks_ct_ras: ArrayLike | None) -> Points:
    if landmarks_ct_ras is None:
        if ct is None:
            raise InputError("A pose is judged at landmarks or inside a CT: give one of them.")
        return target_grid(ct)
    points = np.asarray(landmarks_ct_ras, float)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points) or not np.isfinite(points).all():
        raise InputError("Landmarks must be points with three coordinates, RAS mm.")
    return points


def _metrics(reference: Matrix, pose: Matrix, points: Points, geometries: Sequence[XRayGeometry]) -> dict[str, Any]:
    errors = target_registration_errors_mm(reference, pose, points)
    middle = points.mean(axis=0, keepdims=True)
    values: dict[str, Any] = {
        "rotation_deg": rotation_error_deg(reference, pose),
        "translation_mm": float(target_registration_errors_mm(reference, pose, middle)[0]),
        "mtre_mm": float(errors.mean()),
        "tre_p95_mm": float(np.percentile(errors, 95)),
        "tre_max_mm": float(errors.max()),
        "success": success_rates([float(errors.mean())]),
    }
    if geometries:
        values["views"] = [_in_view(reference, pose, points, geometry) for geometry in geometries]
    return values


def _in_view(reference: Matrix, pose: Matrix, points: Points, geometry: XRayGeometry) -> dict[str, float]:
    true = moved(reference, points)
    return {
        "projected_mtre_mm": float(projection_errors_mm(reference, pose, points, geometry).mean()),
        "reprojection_distance_mm": float(reprojection_distances_mm(reference, pose, points, geometry).mean()),
        **named_ray_errors(moved(pose, points) - true, true, geometry),
    }
