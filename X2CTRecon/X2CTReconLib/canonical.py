"""The canonical frame of the X2CT networks: a cube around the isocentre and two films through its middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph

FRONTAL, LATERAL = "frontal", "lateral"

BEAM_AXIS = {FRONTAL: np.array([0.0, 1.0, 0.0]), LATERAL: np.array([1.0, 0.0, 0.0])}
"""RAS axis that the beam of a canonical film runs along, either way."""

COLUMN_DIRECTION = {FRONTAL: np.array([-1.0, 0.0, 0.0]), LATERAL: np.array([0.0, -1.0, 0.0])}
"""Columns run to the patient's left (frontal) and posterior (lateral)."""

ROW_DIRECTION = np.array([0.0, 0.0, -1.0])
"""Rows run to the feet in both films."""


@dataclass(frozen=True)
class CanonicalCube:
    """A cube of ``size`` ^3 voxels and ``edge_mm`` aligned with R, A, S around ``center_ras_mm``.

    The films of the cube are the planes through its centre with normals along A (frontal) and R (lateral), of the
    cube's edge and ``size`` x ``size`` pixels: what a ray deposits is recorded where it crosses that plane.
    """

    center_ras_mm: NDArray[np.float64]
    edge_mm: float
    size: int

    @property
    def spacing_mm(self) -> float:
        """Voxel and film pixel size."""
        return self.edge_mm / self.size

    def film_points(self, role: str) -> NDArray[np.float64]:
        """RAS positions (size, size, 3) of the film's pixel centres, by row and column."""
        offsets = (np.arange(self.size) - (self.size - 1) / 2) * self.spacing_mm
        rows = offsets[:, None, None] * ROW_DIRECTION
        columns = offsets[None, :, None] * COLUMN_DIRECTION[role]
        return np.asarray(self.center_ras_mm) + rows + columns

    def film_geometry(self, role: str, source_ras_mm: NDArray[np.float64]) -> XRayGeometry:
        """Geometry of the film for a source anywhere off its plane; a source on the + side sees it mirrored."""
        axis = BEAM_AXIS[role]
        to_plane = float((np.asarray(self.center_ras_mm) - source_ras_mm) @ axis)
        offset = np.asarray(source_ras_mm) - self.center_ras_mm
        middle = (self.size - 1) / 2
        return XRayGeometry.from_frame(
            source_ras_mm=source_ras_mm,
            column_direction=COLUMN_DIRECTION[role],
            row_direction=ROW_DIRECTION,
            normal=np.sign(to_plane) * axis,
            source_to_detector_mm=abs(to_plane),
            size_px=(self.size, self.size),
            pixel_spacing_mm=(self.spacing_mm, self.spacing_mm),
            principal_point_px=(
                float(offset @ COLUMN_DIRECTION[role]) / self.spacing_mm + middle,
                float(offset @ ROW_DIRECTION) / self.spacing_mm + middle,
            ),
            source_to_isocenter_mm=abs(to_plane),
        )

    def volume(self, network_voxels: NDArray[np.float32]) -> Volume:
        """HU volume along R, A, S from voxels with axes (inferior, posterior, left)."""
        return Volume.axis_aligned(network_voxels[::-1, ::-1, ::-1], (self.spacing_mm,) * 3, self.center_ras_mm)

    def film(self, radiograph: Radiograph, role: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The radiograph seen on the cube's film and where it has been seen, both (size, size).

        Every film pixel takes the radiograph's value where its ray through that point hit the detector, so any source
        distance, AP and right lateral films all come out with the same orientation and scale.
        """
        return seen_at(radiograph, self.film_points(role))


def seen_at(
    radiograph: Radiograph, points_ras_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The radiograph resampled to a virtual film with pixels at (rows, columns, 3), and where it has been seen.

    Pixels are averaged over the virtual film's footprint. InputError when the source is beside the virtual film.
    """
    from scipy import ndimage

    geometry, shape = radiograph.geometry, points_ras_mm.shape[:2]
    points = points_ras_mm.reshape(-1, 3)
    if (geometry.depth_mm(points) <= 1.0).any():
        raise InputError("The X-ray source lies inside the imaged region: check the geometry of the radiograph.")
    pixel = geometry.project(points).T[::-1].reshape(2, *shape)
    footprint = 0.5 * max(np.abs(np.diff(pixel[0], axis=0)).mean(), np.abs(np.diff(pixel[1], axis=1)).mean())
    image = radiograph.line_integral
    seen = np.ones(image.shape, np.float32) if radiograph.mask is None else radiograph.mask.astype(np.float32)
    sigma = 0.8 * footprint if footprint > 0.6 else 0.0
    weighted, weight = (
        (ndimage.gaussian_filter(a, sigma, mode="nearest") if sigma else a) for a in (image * seen, seen)
    )
    value, share = (ndimage.map_coordinates(a, pixel, order=1, mode="constant", cval=0.0) for a in (weighted, weight))
    mask = share > 0.5
    return np.where(mask, value / np.maximum(share, 1e-3), 0).astype(np.float32), mask


def role_of(geometry: XRayGeometry) -> tuple[str, float]:
    """Which canonical film the view is nearest to, and the angle in degrees between its beam and that film's axis."""
    cosines = {role: abs(float(geometry.detector_normal @ axis)) for role, axis in BEAM_AXIS.items()}
    role = max(cosines, key=cosines.__getitem__)
    return role, float(np.degrees(np.arccos(min(1.0, cosines[role]))))
