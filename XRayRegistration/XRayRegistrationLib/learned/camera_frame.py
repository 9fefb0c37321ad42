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
