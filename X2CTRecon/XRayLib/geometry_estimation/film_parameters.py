"""What may be wrong about the assumed geometry of one film, as eight numbers, and what the film would be with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.assumed_parts import AssumedPart, assumed_parts

Array = NDArray[np.float64]

PARAMETERS = (
    "primary_angle_deg",
    "secondary_angle_deg",
    "turn_deg",
    "shift_along_columns_mm",
    "shift_along_rows_mm",
    "log_source_to_detector",
    "patient_to_detector_mm",
    "log_pixel_spacing",
)
"""Differences from the assumed geometry: the beam's direction by its DICOM angles, the turn of the film about the beam,
where the patient stands in the film's plane, the distances, and the size of a pixel."""

ANGLE_DEVIATION_DEG, SHIFT_DEVIATION_MM = 5.0, 20.0
SOURCE_DISTANCE_DEVIATION, PIXEL_SPACING_DEVIATION = 0.08, 0.08
PATIENT_DISTANCE_DEVIATION = 0.2
"""Of the distance from the patient's middle to the detector: 40 mm at a chest stand, 60 mm at a C-arm."""

STEP = 1e-4


def deviations_of(geometry: XRayGeometry) -> Array:
    """(8,) How far each of PARAMETERS is expected to be off, 0 where it was measured."""
    parts = assumed_parts(geometry)
    gap_mm = geometry.source_to_detector_mm - _patient_depth_mm(geometry)
    direction = ANGLE_DEVIATION_DEG * (AssumedPart.DIRECTION in parts)
    secondary = ANGLE_DEVIATION_DEG * (bool({AssumedPart.DIRECTION, AssumedPart.SECONDARY_ANGLE} & parts))
    shift = SHIFT_DEVIATION_MM * (AssumedPart.CENTRAL_RAY in parts)
    return np.array(
        [
            direction,
            secondary,
            direction,
            shift,
            shift,
            SOURCE_DISTANCE_DEVIATION * (AssumedPart.SOURCE_DISTANCE in parts),
            PATIENT_DISTANCE_DEVIATION * gap_mm * (AssumedPart.PATIENT_DISTANCE in parts),
            PIXEL_SPACING_DEVIATION * (AssumedPart.PIXEL_SPACING in parts),
        ]
    )


def changed(geometry: XRayGeometry, values: ArrayLike, pivot_ras_mm: Array) -> XRayGeometry:
    """The film's geometry with differences ``values`` (8,) from the assumed one; angles turn the view about the pivot,
    the patient's middle."""
    values = np.asarray(values, float)
    moved = geometry.moved(patient_motion(geometry, values, pivot_ras_mm))
    return replace(
        moved,
        ras_to_pixel=_zoom(geometry, values[5] - values[7]) @ moved.ras_to_pixel,
        source_to_detector_mm=geometry.source_to_detector_mm * float(np.exp(values[5])),
        pixel_spacing_mm=tuple(float(s * np.exp(values[7])) for s in geometry.pixel_spacing_mm),
        source_to_isocenter_mm=float(moved.depth_mm(pivot_ras_mm)[0]),
    )


def patient_motion(geometry: XRayGeometry, values: ArrayLike, pivot_ras_mm: Array) -> Array:
    """4x4: where points of the patient stand before the film as it was assumed, so that it shows them as it does."""
    primary, secondary, turn = np.deg2rad(np.asarray(values, float)[:3])
    shift_columns, shift_rows, log_distance, further = np.asarray(values, float)[3:7]
    normal, up = geometry.detector_normal, np.array([0.0, 0.0, 1.0])
    level = np.cross(normal, up)
    level = geometry.column_direction if np.linalg.norm(level) < 0.1 else level / np.linalg.norm(level)
    view = _turned(up, primary) @ _turned(level, secondary) @ _turned(normal, turn)
    deeper_mm = geometry.source_to_detector_mm * np.expm1(log_distance) - further
    matrix = np.eye(4)
    matrix[:3, :3] = view.T
    shift = shift_columns * geometry.column_direction + shift_rows * geometry.row_direction + deeper_mm * normal
    matrix[:3, 3] = pivot_ras_mm - view.T @ pivot_ras_mm + shift
    return matrix


def image_changes(
    geometry: XRayGeometry,
    values: Array,
    pose: Array,
    pivot_ras_mm: Array,
    zoomed: NDArray[np.float32],
    twists: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Derivatives (8, rows, columns) of a film's projection by its parameters.

    ``twists`` (6, rows, columns) as of ``Projector.pose_jacobian`` at ``changed(geometry, values, pivot).moved(pose)``
    about the pivot, ``zoomed`` (rows, columns) the derivative there by the logarithm of the focal length in pixels;
    ``pose`` 4x4.
    """
    here = np.linalg.inv(patient_motion(geometry, values, pivot_ras_mm) @ pose)
    changes = np.zeros((len(PARAMETERS), *zoomed.shape), np.float32)
    for n in range(len(PARAMETERS)):
        beside = values + STEP * np.eye(len(PARAMETERS))[n]
        motion = here @ patient_motion(geometry, beside, pivot_ras_mm) @ pose
        skew, moved = motion[:3, :3] - motion[:3, :3].T, motion[:3, :3] @ pivot_ras_mm + motion[:3, 3] - pivot_ras_mm
        twist = np.array([skew[2, 1] / 2, skew[0, 2] / 2, skew[1, 0] / 2, *moved]) / STEP
        changes[n] = np.tensordot(twist.astype(np.float32), twists, 1)
    changes[5] += zoomed
    changes[7] -= zoomed
    return changes


def zoomed_geometry(geometry: XRayGeometry, log_zoom: float) -> XRayGeometry:
    """The view with a focal length, in pixels, changed by the exponential of ``log_zoom``."""
    return replace(
        geometry,
        ras_to_pixel=_zoom(geometry, log_zoom) @ geometry.ras_to_pixel,
        source_to_detector_mm=geometry.source_to_detector_mm * float(np.exp(log_zoom)),
    )


def _zoom(geometry: XRayGeometry, log_zoom: float) -> Array:
    """3x3 that enlarges pixel coordinates about the principal point."""
    zoom, (column, row) = np.exp(log_zoom), geometry.principal_point_px
    return np.array([[zoom, 0, (1 - zoom) * column], [0, zoom, (1 - zoom) * row], [0, 0, 1]])


def _patient_depth_mm(geometry: XRayGeometry) -> float:
    from XRayLib.geometry import isocenter_depth_mm

    return isocenter_depth_mm(geometry)[0]


def _turned(axis: Array, angle_rad: float) -> Array:
    from XRayLib.projector.rigid import motion_from_twist

    return motion_from_twist(np.concatenate([axis * angle_rad, np.zeros(3)]), np.zeros(3))[:3, :3]
