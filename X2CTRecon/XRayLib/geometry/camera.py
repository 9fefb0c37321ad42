"""Geometry from and to the pinhole camera of computer vision, and 3x4 projection matrices of any scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.xray_geometry import XRayGeometry

Matrix = NDArray[np.float64]

ASSUMED_SOURCE_TO_DETECTOR_MM = 1000.0
"""A matrix fixes distance / pixel spacing only; where neither is known this distance stands in."""


def from_camera(
    camera_matrix: ArrayLike,
    rotation: ArrayLike,
    translation: ArrayLike,
    size_px: tuple[int, int],
    *,
    pixel_spacing_mm: tuple[float, float] | None = None,
    source_to_detector_mm: float | None = None,
    world_to_ras: ArrayLike | None = None,
    frame: str = "",
) -> XRayGeometry:
    """Geometry of a pinhole camera: pixel ~ camera_matrix @ (rotation @ world + translation).

    The convention of OpenCV and of Hartley and Zisserman ("Multiple View Geometry", ch. 6).

    Parameters
    ----------
    camera_matrix : (3, 3), upper triangular
        Focal lengths and principal point in pixels; pixel centres are integers. Without skew.
    rotation : (3, 3) orthogonal
    translation : (3,) mm
    size_px : (columns, rows)
    pixel_spacing_mm, source_to_detector_mm
        One of them scales the detector, see from_projection_matrix.
    world_to_ras : (4, 4) rigid or None
        The camera's world in RAS; None: it is RAS.

    Raises
    ------
    InputError
        When the matrices are not a camera.
    """
    intrinsic, turn = np.asarray(camera_matrix, float), np.asarray(rotation, float)
    shift = np.asarray(translation, float).reshape(-1)
    if intrinsic.shape != (3, 3) or turn.shape != (3, 3) or shift.shape != (3,):
        raise InputError("A camera needs a 3x3 camera matrix, a 3x3 rotation and a translation of three numbers.")
    if not np.allclose(turn @ turn.T, np.eye(3), atol=1e-4):
        raise InputError("The camera's rotation is not a rotation matrix.")
    if np.any(np.abs(np.tril(intrinsic, -1)) > 1e-9 * np.abs(intrinsic).max()) or intrinsic[2, 2] == 0:
        raise InputError("The camera matrix must be upper triangular: focal lengths and principal point in pixels.")
    world_to_pixel = intrinsic / intrinsic[2, 2] @ np.column_stack([turn, shift])
    return from_projection_matrix(
        world_to_pixel,
        size_px,
        pixel_spacing_mm=pixel_spacing_mm,
        source_to_detector_mm=source_to_detector_mm,
        world_to_ras=world_to_ras,
        frame=frame,
    )


def to_camera(geometry: XRayGeometry) -> tuple[Matrix, Matrix, Matrix]:
    """(camera matrix, rotation, translation) of the view, from RAS mm; the inverse of from_camera.

    The rotation is proper. An image read from the detector side, as radiographs are, then has a negative focal length
    along its columns.
    """
    handedness = np.linalg.det(np.stack([geometry.column_direction, geometry.row_direction, geometry.detector_normal]))
    sign = 1.0 if handedness > 0 else -1.0
    rotation = np.stack([sign * geometry.column_direction, geometry.row_direction, geometry.detector_normal])
    row_mm, column_mm = geometry.pixel_spacing_mm
    column, row = geometry.principal_point_px
    camera_matrix = np.array(
        [
            [sign * geometry.source_to_detector_mm / column_mm, 0.0, column],
            [0.0, geometry.source_to_detector_mm / row_mm, row],
            [0.0, 0.0, 1.0],
        ]
    )
    return camera_matrix, rotation, -rotation @ geometry.source_ras_mm


def from_projection_matrix(
    world_to_pixel: ArrayLike,
    size_px: tuple[int, int],
    *,
    pixel_spacing_mm: tuple[float, float] | None = None,
    source_to_detector_mm: float | None = None,
    world_to_ras: ArrayLike | None = None,
    in_front: ArrayLike | None = None,
    frame: str = "",
) -> XRayGeometry:
    """Geometry from a 3x4 matrix that takes homogeneous world points (mm) to homogeneous pixels, of any scale.

    Parameters
    ----------
    pixel_spacing_mm : (row, column) or None
    source_to_detector_mm : float or None
        The matrix gives only their ratio, the focal length in pixels: one of them suffices. With neither, 1000 mm is
        assumed and said.
    world_to_ras : (4, 4) rigid or None
        None: the world is RAS.
    in_front : (3,) world point or None
        A point that the view shows. Needed when the scale may be negative; None: the scale is positive.

    Raises
    ------
    InputError
        When it is no perspective matrix, its pixels are skewed, or spacing and distance contradict it.
    """
    matrix = np.array(world_to_pixel, float)
    if matrix.shape != (3, 4) or not np.isfinite(matrix).all() or np.linalg.norm(matrix[2, :3]) == 0:
        raise InputError("The projection matrix must be a finite 3x4 matrix with a third row.")
    matrix /= np.linalg.norm(matrix[2, :3])
    if in_front is not None:
        depth = matrix[2, :3] @ np.asarray(in_front, float) + matrix[2, 3]
        if depth == 0:
            raise InputError("The point in front of the source lies in its plane: give one that the image shows.")
        matrix *= np.sign(depth)
    if world_to_ras is not None:
        matrix = matrix @ np.linalg.inv(np.asarray(world_to_ras, float))
    column_focal_px, row_focal_px = (np.linalg.norm(np.cross(matrix[n, :3], matrix[2, :3])) for n in (0, 1))
    if min(column_focal_px, row_focal_px) < 1e-9:
        raise InputError("The projection matrix has no focal length: it is not a perspective view.")
    assumed: tuple[str, ...] = ()
    if source_to_detector_mm is None and pixel_spacing_mm is not None:
        source_to_detector_mm = (column_focal_px * pixel_spacing_mm[1] + row_focal_px * pixel_spacing_mm[0]) / 2
    if source_to_detector_mm is None:
        source_to_detector_mm = ASSUMED_SOURCE_TO_DETECTOR_MM
        assumed = (f"source-to-detector distance {source_to_detector_mm:.0f} mm",)
    if pixel_spacing_mm is None:
        pixel_spacing_mm = (source_to_detector_mm / row_focal_px, source_to_detector_mm / column_focal_px)
    return XRayGeometry(matrix, size_px, pixel_spacing_mm, source_to_detector_mm, frame, assumed)
