"""Poses of the CT in the frame of the camera that takes the canonical view."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.geometry import XRayGeometry, to_camera

Matrix = NDArray[np.float64]


def world_to_camera(geometry: XRayGeometry) -> tuple[Matrix, Matrix]:
    """(camera matrix 3x3, rigid 4x4 world RAS -> camera) of a right-handed view; depth is the camera's third axis."""
    camera_matrix, rotation, translation = to_camera(geometry)
    return camera_matrix, rigid(rotation, translation)


def rigid(rotation: ArrayLike, translation: ArrayLike) -> Matrix:
    """4x4 of x -> rotation @ x + translation."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, np.asarray(translation, float).reshape(3)
    return matrix


def nominal_rotation(primary_deg: float, secondary_deg: float) -> Matrix:
    """World RAS -> camera (3, 3) of the canonical, right-handed view of a C-arm at these angles."""
    view = XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=secondary_deg,
        source_to_detector_mm=1000.0,
        source_to_isocenter_mm=700.0,
        size_px=(2, 2),
        pixel_spacing_mm=(1.0, 1.0),
    ).with_axes(flip_columns=True)
    return world_to_camera(view)[1][:3, :3]
