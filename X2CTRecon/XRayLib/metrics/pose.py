"""How far a registered pose is from the true one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.common_grid import bounding_box
from XRayLib.metrics.tissues import body_mask

SUCCESS_MM = (1.0, 2.0, 5.0, 10.0)

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]


def rotation_error_deg(reference: Matrix, result: Matrix) -> float:
    """Angle of the rotation that takes one orientation to the other, 0..180 degrees.

    From |R - 1| = 2 sqrt(2) sin(angle / 2) (Frobenius norm), which is exact for small angles where the trace is not.
    """
    difference = np.linalg.norm(result[:3, :3] @ reference[:3, :3].T - np.eye(3))
    return float(np.rad2deg(2 * np.arcsin(min(1.0, difference / (2 * np.sqrt(2))))))


def moved(pose: Matrix, points: Points) -> Points:
    """Points (N, 3) in the CT's RAS at this pose, (N, 3) in the world."""
    return points @ pose[:3, :3].T + pose[:3, 3]


def target_registration_errors_mm(reference: Matrix, result: Matrix, points_ct_ras: Points) -> NDArray[np.float64]:
    """Distance of each target (N, 3) between both poses, (N,) (Fitzpatrick et al., IEEE TMI 17(5), 1998)."""
    return np.linalg.norm(moved(result, points_ct_ras) - moved(reference, points_ct_ras), axis=1)


def projection_errors_mm(
    reference: Matrix, result: Matrix, points_ct_ras: Points, geometry: XRayGeometry
) -> NDArray[np.float64]:
    """Distance of each target's two projections on the detector, (N,) mm (mPD of van de Kraats et al.)."""
    on_detector = [geometry.project(moved(pose, points_ct_ras)) for pose in (reference, result)]
    row_mm, column_mm = geometry.pixel_spacing_mm
    return np.linalg.norm((on_detector[1] - on_detector[0]) * (column_mm, row_mm), axis=1)


def reprojection_distances_mm(
    reference: Matrix, result: Matrix, points_ct_ras: Points, geometry: XRayGeometry
) -> NDArray[np.float64]:
    """Distance in space of each true target from the ray through its found place, (N,) mm.

    mRPD of van de Kraats et al., "Standardized evaluation methodology for 2-D-3-D registration", IEEE TMI 24(9), 2005:
    blind to the error along the ray and free of magnification.
    """
    true = moved(reference, points_ct_ras) - geometry.source_ras_mm
    rays = moved(result, points_ct_ras) - geometry.source_ras_mm
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return np.linalg.norm(true - np.sum(true * rays, axis=1, keepdims=True) * rays, axis=1)


def target_grid(ct: Volume, per_axis: int = 8) -> Points:
    """Targets (N, 3), CT RAS mm: a grid over the box around the body, those inside the body."""
    body = body_mask(ct.voxels)
    if not body.any():
        raise InputError("The CT holds no body (nothing above -300 HU): give landmarks instead.")
    samples = [
        np.unique(np.linspace(span.start, span.stop - 1, per_axis).round().astype(int)) for span in bounding_box(body)
    ]
    k, j, i = (index.ravel() for index in np.meshgrid(*samples, indexing="ij"))
    kept = body[k, j, i]
    ijk = np.stack([i, j, k], axis=1)[kept]
    return ijk @ ct.ijk_to_ras[:3, :3].T + ct.ijk_to_ras[:3, 3]


def success_rates(mtre_mm: Sequence[float]) -> dict[str, float]:
    """Share of cases with a mean target registration error below 1, 2, 5 and 10 mm."""
    errors = np.asarray(mtre_mm, float)
    return {f"{limit:g}_mm": float(np.mean(errors < limit)) for limit in SUCCESS_MM}
