"""Poses, and a case with a result, whose numbers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from XRayLib.case import Case, PoseQuality, Result
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph

COVARIANCE = np.diag([0.01, 4.0, 0.02, 1e-5, 2e-5, 3e-5])


def random_pose(seed: int, shift_mm: float = 80.0, turn_rad: float = 3.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(turn_rad * rng.random() * axis / np.linalg.norm(axis)).as_matrix()
    matrix[:3, 3] = rng.uniform(-shift_mm, shift_mm, 3)
    return matrix


def c_arm(primary: float = 0.0, secondary: float = 0.0, size_px: tuple[int, int] = (64, 48), **fields) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=size_px,
        pixel_spacing_mm=(6.0, 6.0),
        **fields,
    )


def a_case() -> Case:
    films = tuple(
        Radiograph(np.random.default_rng(n).random((48, 64), np.float32), c_arm(angle), calibrated=True)
        for n, angle in enumerate((0.0, 90.0))
    )
    return Case(films, ct=Volume.axis_aligned(np.zeros((8, 8, 8), np.float32), (10.0, 10.0, 10.0)))


def a_result(ct_to_world: NDArray[np.float64] | None, **quality: object) -> Result:
    judged = PoseQuality(
        covariance_mm_rad=COVARIANCE,
        confidence=0.25,
        accepted=False,
        reason="Depth is uncertain.",
        similarity={"ncc": 0.9},
        seconds={"refinement": 1.5},
        initial_ct_to_world=np.eye(4),
    )
    return Result("tiny", ct_to_world=ct_to_world, pose_quality=replace(judged, **quality), provenance={"seed": 3})
