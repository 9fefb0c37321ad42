"""The geometry of one radiograph: where the source is, where each pixel is, in RAS millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class XRayGeometry:
    """Perspective geometry of one view. Immutable; every other quantity derives from these fields.

    Parameters
    ----------
    ras_to_pixel : (3, 4) matrix
        Maps homogeneous RAS points (mm) to ``(column * depth, row * depth, depth)``; depth is the distance from the
        source along the detector normal, in mm. Integer pixel coordinates are pixel centres, (0, 0) the first pixel.
    size_px : (columns, rows)
    pixel_spacing_mm : (row, column)
        Distances between pixel centres on the detector plane.
    source_to_detector_mm : float
    frame : str
        The RAS frame in words, e.g. "RAS of chest.nii.gz" or "isocentre of the C-arm at the origin".
    assumed : tuple of str
        What was assumed instead of read, one short phrase each; empty when the geometry is measured.
    source_to_isocenter_mm : float or None
        Depth of the middle of the imaged anatomy; the one thing about a view that its matrix cannot tell. None when
        unknown (two views then locate it where their central rays meet).

    Raises
    ------
    InputError
        When the matrix is not a proper perspective view (wrong shape, not finite, zero depth scale, oblique pixels,
        spacing and distance that contradict the matrix).
    """

    ras_to_pixel: Matrix
    size_px: tuple[int, int]
    pixel_spacing_mm: tuple[float, float]
    source_to_detector_mm: float
    frame: str = ""
    assumed: tuple[str, ...] = ()
    source_to_isocenter_mm: float | None = None

    def __post_init__(self) -> None:
        matrix = np.array(self.ras_to_pixel, dtype=np.float64)
        if matrix.shape != (3, 4) or not np.isfinite(matrix).all():
            raise InputError("The geometry's ras_to_pixel must be a finite 3x4 matrix.")
        depth_scale = np.linalg.norm(matrix[2, :3])
        if not 1e-9 < depth_scale < 1e9:
            raise InputError("The geometry's ras_to_pixel has no usable third row: it is not a perspective view.")
        matrix = matrix / depth_scale
        matrix.setflags(write=False)
        object.__setattr__(self, "ras_to_pixel", matrix)
        columns, rows = (int(n) if float(n).is_integer() else 0 for n in self.size_px)
        if columns < 1 or rows < 1:
            raise InputError("The geometry's size_px must be (columns, rows), whole numbers of at least 1.")
        object.__setattr__(self, "size_px", (columns, rows))
        row_spacing, column_spacing = (float(s) for s in self.pixel_spacing_mm)
        if not (row_spacing > 0 and column_spacing > 0 and self.source_to_detector_mm > 0):
            raise InputError("The geometry's pixel spacing and source_to_detector_mm must be positive.")
        object.__setattr__(self, "pixel_spacing_mm", (row_spacing, column_spacing))
        object.__setattr__(self, "source_to_detector_mm", float(self.source_to_detector_mm))
        if self.source_to_isocenter_mm is not None and not 0 < self.source_to_isocenter_mm < np.inf:
            raise InputError("The geometry's source_to_isocenter_mm must be positive.")
        self._check_consistent()

    def _check_consistent(self) -> None:
        normal = self.detector_normal
        for axis, (row, spacing) in enumerate(((0, self.pixel_spacing_mm[1]), (1, self.pixel_spacing_mm[0]))):
            across = self.ras_to_pixel[row, :3] - (self.ras_to_pixel[row, :3] @ normal) * normal
            focal_mm = np.linalg.norm(across) * spacing
            if abs(focal_mm - self.source_to_detector_mm) > 1e-3 * self.source_to_detector_mm:
                name = ("column", "row")[axis]
                raise InputError(
                    f"The geometry contradicts itself: the matrix puts the detector {focal_mm:.1f} mm from the source "
                    f"({name} direction), source_to_detector_mm says {self.source_to_detector_mm:.1f}."
                )
        if abs(self.column_direction @ self.row_direction) > 1e-3:
            raise InputError("The geometry's pixel axes are not perpendicular.")

    @classmethod
    def from_c_arm(
        cls,
        *,
        primary_angle_deg: float,
        secondary_angle_deg: float,
        source_to_detector_mm: float,
        source_to_isocenter_mm: float,
        size_px: tuple[int, int],
        pixel_spacing_mm: tuple[float, float],
        isocenter_ras_mm: ArrayLike = (0.0, 0.0, 0.0),
        principal_point_px: tuple[float, float] | None = None,
        frame: str = "isocentre of the C-arm at the origin",
        assumed: tuple[str, ...] = (),
    ) -> XRayGeometry:
        """View of a C-arm at DICOM positioner angles (PS3.3 C.8.7.5: primary + toward LAO, secondary + toward CRA).

        At 0/0 the beam runs from posterior to anterior, columns to the patient's left, rows to the feet.
        """
        primary, secondary = np.deg2rad([primary_angle_deg, secondary_angle_deg])
        sin_p, cos_p, sin_s, cos_s = np.sin(primary), np.cos(primary), np.sin(secondary), np.cos(secondary)
        normal = np.array([-sin_p * cos_s, cos_p * cos_s, sin_s])
        return cls.from_frame(
            source_ras_mm=np.asarray(isocenter_ras_mm, float) - source_to_isocenter_mm * normal,
            column_direction=np.array([-cos_p, -sin_p, 0.0]),
            row_direction=np.array([-sin_p * sin_s, cos_p * sin_s, -cos_s]),
            normal=normal,
            source_to_detector_mm=source_to_detector_mm,
            size_px=size_px,
            pixel_spacing_mm=pixel_spacing_mm,
            principal_point_px=principal_point_px,
            frame=frame,
            assumed=assumed,
            source_to_isocenter_mm=source_to_isocenter_mm,
        )

    @classmethod
    def from_frame(
        cls,
        *,
        source_ras_mm: ArrayLike,
        column_direction: ArrayLike,
        row_direction: ArrayLike,
        normal: ArrayLike,
        source_to_detector_mm: float,
        size_px: tuple[int, int],
        pixel_spacing_mm: tuple[float, float],
        principal_point_px: tuple[float, float] | None = None,
        frame: str = "",
        assumed: tuple[str, ...] = (),
        source_to_isocenter_mm: float | None = None,
    ) -> XRayGeometry:
        """View from the source position and the detector's unit axes in RAS; ``normal`` points from source to detector.

        ``principal_point_px`` (column, row) is where the ray along the normal meets the detector; default the centre.
        """
        if principal_point_px is None:
            principal_point_px = ((size_px[0] - 1) / 2, (size_px[1] - 1) / 2)
        normal = np.asarray(normal, float)
        rotation = np.stack(
            [
                np.asarray(column_direction, float) * (source_to_detector_mm / pixel_spacing_mm[1])
                + principal_point_px[0] * normal,
                np.asarray(row_direction, float) * (source_to_detector_mm / pixel_spacing_mm[0])
                + principal_point_px[1] * normal,
                normal,
            ]
        )
        matrix = np.column_stack([rotation, -rotation @ np.asarray(source_ras_mm, float)])
        return cls(matrix, size_px, pixel_spacing_mm, source_to_detector_mm, frame, assumed, source_to_isocenter_mm)

    @property
    def source_ras_mm(self) -> Matrix:
        """Position of the focal spot, (3,)."""
        return -np.linalg.solve(self.ras_to_pixel[:, :3], self.ras_to_pixel[:, 3])

    @property
    def detector_normal(self) -> Matrix:
        """Unit vector from the source to the detector, (3,)."""
        return self.ras_to_pixel[2, :3]

    @property
    def column_direction(self) -> Matrix:
        """Unit vector of increasing column on the detector, (3,)."""
        return self._across(0)

    @property
    def row_direction(self) -> Matrix:
        """Unit vector of increasing row on the detector, (3,)."""
        return self._across(1)

    def _across(self, row: int) -> Matrix:
        axis = self.ras_to_pixel[row, :3]
        direction = axis - (axis @ self.detector_normal) * self.detector_normal
        return direction / np.linalg.norm(direction)

    @property
    def principal_point_px(self) -> tuple[float, float]:
        """(column, row) where the ray along the detector normal meets the detector."""
        return (
            float(self.ras_to_pixel[0, :3] @ self.detector_normal),
            float(self.ras_to_pixel[1, :3] @ self.detector_normal),
        )

    @property
    def pixel_to_ras(self) -> Matrix:
        """(4, 4) matrix from homogeneous detector coordinates (column, row, 0, 1) to RAS points on the detector plane.

        The third column is the detector normal, so the matrix serves as the IJK-to-RAS of a one-slice volume.
        """
        column, row = self.principal_point_px
        matrix = np.eye(4)
        matrix[:3, 0] = self.column_direction * self.pixel_spacing_mm[1]
        matrix[:3, 1] = self.row_direction * self.pixel_spacing_mm[0]
        matrix[:3, 2] = self.detector_normal
        matrix[:3, 3] = (
            self.source_ras_mm
            + self.source_to_detector_mm * self.detector_normal
            - column * matrix[:3, 0]
            - row * matrix[:3, 1]
        )
        return matrix

    @property
    def primary_angle_deg(self) -> float:
        """DICOM positioner primary angle of the detector normal, degrees in (-180, 180]; + toward LAO."""
        return float(np.rad2deg(np.arctan2(-self.detector_normal[0], self.detector_normal[1])))

    @property
    def secondary_angle_deg(self) -> float:
        """DICOM positioner secondary angle of the detector normal, degrees in [-90, 90]; + toward CRA."""
        return float(np.rad2deg(np.arcsin(np.clip(self.detector_normal[2], -1.0, 1.0))))

    def project(self, points_ras_mm: ArrayLike) -> Matrix:
        """Pixel coordinates (column, row) of RAS points, (N, 3) -> (N, 2)."""
        points = np.atleast_2d(np.asarray(points_ras_mm, float))
        homogeneous = points @ self.ras_to_pixel[:, :3].T + self.ras_to_pixel[:, 3]
        return homogeneous[:, :2] / homogeneous[:, 2:]

    def depth_mm(self, points_ras_mm: ArrayLike) -> Matrix:
        """Distance of RAS points from the source along the detector normal, (N, 3) -> (N,)."""
        return np.atleast_2d(np.asarray(points_ras_mm, float)) @ self.ras_to_pixel[2, :3] + self.ras_to_pixel[2, 3]

    def moved(self, new_to_old: ArrayLike) -> XRayGeometry:
        """The same view in another RAS frame; ``new_to_old`` is the rigid 4x4 from that frame to this one."""
        return replace(self, ras_to_pixel=self.ras_to_pixel @ np.asarray(new_to_old, float))

    def resampled(self, size_px: tuple[int, int]) -> XRayGeometry:
        """The same detector field divided into ``size_px`` = (columns, rows) pixels."""
        column_factor, row_factor = size_px[0] / self.size_px[0], size_px[1] / self.size_px[1]
        scale = np.array(
            [
                [column_factor, 0, (column_factor - 1) / 2],
                [0, row_factor, (row_factor - 1) / 2],
                [0, 0, 1],
            ]
        )
        return replace(
            self,
            ras_to_pixel=scale @ self.ras_to_pixel,
            size_px=size_px,
            pixel_spacing_mm=(self.pixel_spacing_mm[0] / row_factor, self.pixel_spacing_mm[1] / column_factor),
        )

    def cropped(self, first_column: int, first_row: int, size_px: tuple[int, int]) -> XRayGeometry:
        """The view of a rectangle of this detector starting at (first_column, first_row)."""
        shift = np.array([[1.0, 0.0, -first_column], [0.0, 1.0, -first_row], [0.0, 0.0, 1.0]])
        return replace(self, ras_to_pixel=shift @ self.ras_to_pixel, size_px=size_px)

    def with_axes(
        self, *, transpose: bool = False, flip_columns: bool = False, flip_rows: bool = False
    ) -> XRayGeometry:
        """The view of this image transposed, then flipped along columns (left-right) and rows (top-bottom).

        Matches ``image.T`` (when ``transpose``), then ``[:, ::-1]`` and ``[::-1]``.
        """
        matrix = self.ras_to_pixel
        (columns, rows), spacing = self.size_px, self.pixel_spacing_mm
        if transpose:
            matrix, (columns, rows), spacing = matrix[[1, 0, 2]], (rows, columns), spacing[::-1]
        flip = np.eye(3)
        if flip_columns:
            flip[0] = (-1, 0, columns - 1)
        if flip_rows:
            flip[1] = (0, -1, rows - 1)
        return replace(self, ras_to_pixel=flip @ matrix, size_px=(columns, rows), pixel_spacing_mm=spacing)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, XRayGeometry):
            return NotImplemented
        return (
            self.size_px == other.size_px
            and np.allclose(self.ras_to_pixel, other.ras_to_pixel, rtol=1e-9, atol=1e-7)
            and np.allclose(self.pixel_spacing_mm, other.pixel_spacing_mm)
            and np.isclose(self.source_to_detector_mm, other.source_to_detector_mm)
        )

    __hash__ = None  # type: ignore[assignment]  # equality is approximate
