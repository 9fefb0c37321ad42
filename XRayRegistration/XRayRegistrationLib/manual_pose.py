"""A pose by hand: shifts and rotations of the CT about its own middle, and the 4x4 they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class ManualPose:
    """Shifts in mm toward R, A, S and rotations in degrees about the R, A, S axes, applied in the order S, A, R."""

    translation_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)


def ct_to_world(pose: ManualPose, pivot_ras_mm: ArrayLike) -> NDArray[np.float64]:
    """Rigid (4, 4): world = R_R R_A R_S (x - pivot) + pivot + translation."""
    pivot = np.asarray(pivot_ras_mm, float)
    matrix = np.eye(4)
    about_r, about_a, about_s = (_rotation(axis, angle) for axis, angle in enumerate(pose.rotation_deg))
    matrix[:3, :3] = about_r @ about_a @ about_s
    matrix[:3, 3] = pivot + np.asarray(pose.translation_mm) - matrix[:3, :3] @ pivot
    return matrix


def pose_of(matrix: ArrayLike, pivot_ras_mm: ArrayLike) -> ManualPose:
    """The shifts and rotations of a rigid (4, 4), inverse of ``ct_to_world`` (rotation about A in [-90, 90])."""
    matrix, pivot = np.asarray(matrix, float), np.asarray(pivot_ras_mm, float)
    rotation = matrix[:3, :3]
    about_a = np.arcsin(np.clip(rotation[0, 2], -1, 1))
    if abs(rotation[0, 2]) < 1 - 1e-9:
        about_r = np.arctan2(-rotation[1, 2], rotation[2, 2])
        about_s = np.arctan2(-rotation[0, 1], rotation[0, 0])
    else:  # gimbal lock: only the sum of the other two is defined
        about_r = np.arctan2(rotation[2, 1], rotation[1, 1])
        about_s = 0.0
    translation = matrix[:3, 3] - pivot + rotation @ pivot
    degrees = np.rad2deg([about_r, about_a, about_s])
    return ManualPose(tuple(float(t) for t in translation), tuple(float(d) for d in degrees))


def _rotation(axis: int, angle_deg: float) -> NDArray[np.float64]:
    """Right-handed rotation about a coordinate axis."""
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix
