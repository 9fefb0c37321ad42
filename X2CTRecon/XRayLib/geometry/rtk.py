"""Geometry from and to RTK's ThreeDCircularProjectionGeometry (Rit et al., 2014; "RTK circular projection geometry").

RTK's matrices take the physical coordinates of the volume to physical coordinates (u, v) in mm of the projection
image, whose origin, spacing and direction then give the pixel. RTK does not say how its fixed frame lies in the
patient: with volumes as ITK reads them it is LPS; data arranged for IEC 61217 have x to the patient's left, y to the
head and z to the front (supine, head first).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.camera import from_projection_matrix
from XRayLib.geometry.xray_geometry import XRayGeometry

Matrix = NDArray[np.float64]

FIXED_TO_RAS = {
    "lps": np.diag([-1.0, -1.0, 1.0, 1.0]),
    "iec": np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]),
}
"""RTK's fixed frame to RAS, by the name of the frame."""


@dataclass(frozen=True)
class RtkView:
    """One projection in RTK's parameters (mm, degrees) with the grid of its image.

    ``origin_mm``, ``spacing_mm`` and ``direction`` are (u, v) of the projection image: physical = origin + direction
    * spacing * index. ``direction`` is (1, 1) for images read from the detector side, (-1, 1) for mirrored ones.
    """

    source_to_isocenter_mm: float
    source_to_detector_mm: float
    gantry_angle_deg: float
    out_of_plane_angle_deg: float
    in_plane_angle_deg: float
    source_offset_mm: tuple[float, float]
    projection_offset_mm: tuple[float, float]
    origin_mm: tuple[float, float]
    spacing_mm: tuple[float, float]
    size_px: tuple[int, int]
    direction: tuple[float, float] = (1.0, 1.0)

    @property
    def matrix(self) -> Matrix:
        """RTK's 3x4 projection matrix: fixed frame (mm) to homogeneous (u, v) in mm."""
        source_u, source_v = self.source_offset_mm
        detector_u, detector_v = self.projection_offset_mm
        offset = np.array([[1, 0, source_u - detector_u], [0, 1, source_v - detector_v], [0, 0, 1]])
        distance = self.source_to_detector_mm
        magnify = np.array([[-distance, 0, 0, 0], [0, -distance, 0, 0], [0, 0, 1, -self.source_to_isocenter_mm]])
        to_source = np.eye(4)
        to_source[:2, 3] = -source_u, -source_v
        return offset @ magnify @ to_source @ self._fixed_to_rotated

    @property
    def _fixed_to_rotated(self) -> Matrix:
        matrix = np.eye(4)
        matrix[:3, :3] = (
            _turn(2, -self.in_plane_angle_deg)
            @ _turn(0, -self.out_of_plane_angle_deg)
            @ _turn(1, -self.gantry_angle_deg)
        )
        return matrix


def from_rtk(view: RtkView, *, fixed_frame: str = "lps", frame: str = "") -> XRayGeometry:
    """Geometry of one RTK projection; ``fixed_frame`` is "lps" or "iec", see the module's text."""
    return from_rtk_matrix(
        view.matrix,
        view.size_px,
        origin_mm=view.origin_mm,
        spacing_mm=view.spacing_mm,
        direction=view.direction,
        source_to_detector_mm=view.source_to_detector_mm,
        fixed_frame=fixed_frame,
        frame=frame,
    )


def from_rtk_matrix(
    matrix: ArrayLike,
    size_px: tuple[int, int],
    *,
    origin_mm: tuple[float, float],
    spacing_mm: tuple[float, float],
    source_to_detector_mm: float,
    direction: tuple[float, float] = (1.0, 1.0),
    fixed_frame: str = "lps",
    frame: str = "",
) -> XRayGeometry:
    """Geometry from GetMatrix(i) of RTK and the (u, v) origin, spacing and direction of the projection image."""
    steps = np.array(direction) * spacing_mm
    index_from_mm = np.array([[1 / steps[0], 0, -origin_mm[0] / steps[0]], [0, 1 / steps[1], -origin_mm[1] / steps[1]]])
    # RTK's third row is minus the depth: the source lies at positive z of the rotated frame.
    fixed_to_pixel = np.vstack([index_from_mm, [0, 0, 1]]) @ -np.asarray(matrix, float)
    return from_projection_matrix(
        fixed_to_pixel,
        size_px,
        pixel_spacing_mm=(spacing_mm[1], spacing_mm[0]),
        source_to_detector_mm=source_to_detector_mm,
        world_to_ras=_fixed_to_ras(fixed_frame),
        frame=frame,
    )


def to_rtk(geometry: XRayGeometry, *, fixed_frame: str = "lps") -> RtkView:
    """The view in RTK's parameters; (u, v) are measured from the foot of the source on the detector."""
    ras_to_fixed = np.linalg.inv(_fixed_to_ras(fixed_frame))[:3, :3]
    axes_ras = np.stack([geometry.column_direction, geometry.row_direction, -geometry.detector_normal])
    mirrored = np.linalg.det(axes_ras) * np.linalg.det(ras_to_fixed) < 0
    direction = (-1.0, 1.0) if mirrored else (1.0, 1.0)
    axes_ras[0] *= direction[0]
    fixed_to_rotated = axes_ras @ ras_to_fixed.T
    out_of_plane, gantry, in_plane = _angles_deg(fixed_to_rotated)
    source = fixed_to_rotated @ ras_to_fixed @ geometry.source_ras_mm
    spacing_mm = (geometry.pixel_spacing_mm[1], geometry.pixel_spacing_mm[0])
    principal = geometry.principal_point_px
    return RtkView(
        source_to_isocenter_mm=float(source[2]),
        source_to_detector_mm=geometry.source_to_detector_mm,
        gantry_angle_deg=gantry,
        out_of_plane_angle_deg=out_of_plane,
        in_plane_angle_deg=in_plane,
        source_offset_mm=(float(source[0]), float(source[1])),
        projection_offset_mm=(float(source[0]), float(source[1])),
        origin_mm=(-direction[0] * principal[0] * spacing_mm[0], -direction[1] * principal[1] * spacing_mm[1]),
        spacing_mm=spacing_mm,
        size_px=geometry.size_px,
        direction=direction,
    )


def _fixed_to_ras(fixed_frame: str) -> Matrix:
    if fixed_frame not in FIXED_TO_RAS:
        raise InputError(f"RTK's fixed frame '{fixed_frame}' is not known: use {' or '.join(FIXED_TO_RAS)}.")
    return FIXED_TO_RAS[fixed_frame]


def _turn(axis: int, angle_deg: float) -> Matrix:
    """Right-handed rotation about a coordinate axis."""
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def _angles_deg(rotation: Matrix) -> tuple[float, float, float]:
    """(out of plane, gantry, in plane) of rotation = Rz(-in plane) Rx(-out of plane) Ry(-gantry)."""
    inverse = rotation.T
    cos_out = np.hypot(inverse[1, 0], inverse[1, 1])
    out_of_plane = np.arctan2(-inverse[1, 2], cos_out)
    if cos_out > 1e-12:
        gantry = np.arctan2(inverse[0, 2], inverse[2, 2])
        in_plane = np.arctan2(inverse[1, 0], inverse[1, 1])
    else:
        # Looking along the gantry axis only the sum or difference of the other two angles counts.
        gantry, in_plane = np.arctan2(-inverse[2, 0], inverse[0, 0]), 0.0
    return tuple(float(np.rad2deg(angle)) for angle in (out_of_plane, gantry, in_plane))  # type: ignore[return-value]
