"""Shapes whose line integrals have a closed form, their voxel volumes, and views of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ellipsoid:
    """Attenuation ``mu`` where |axes^-1 (x - center)| < 1; the columns of ``axes`` are its semi-axes in mm."""

    mu: float
    center: Array
    axes: Array

    def integrals(self, source: Array, directions: Array) -> Array:
        """mu times the chord of unit-direction rays (..., 3)."""
        inverse = np.linalg.inv(self.axes)
        start, along = inverse @ (source - self.center), directions @ inverse.T
        a, b, c = (along**2).sum(-1), along @ start, start @ start - 1
        return self.mu * 2 * np.sqrt(np.maximum(b**2 - a * c, 0)) / a

    def at(self, points: Array, blur_mm: float) -> Array:
        """Attenuation with its edge blurred over about one voxel, the partial-volume effect."""
        scaled = (points - self.center) @ np.linalg.inv(self.axes).T
        radius = np.linalg.norm(scaled, axis=-1)
        gradient = np.linalg.norm(scaled @ np.linalg.inv(self.axes), axis=-1) / np.maximum(radius, 1e-9)
        return self.mu * np.clip(0.5 - (radius - 1) / (gradient + 1e-12) / blur_mm, 0, 1)


@dataclass(frozen=True)
class Gaussian:
    """Attenuation mu * exp(-|x - center|^2 / (2 sd^2)): smooth, zero for practical purposes beyond 5 sd."""

    mu: float
    center: Array
    sd_mm: float

    def integrals(self, source: Array, directions: Array) -> Array:
        """Closed form over the whole line of unit-direction rays (..., 3)."""
        to_center = self.center - source
        distance2 = to_center @ to_center - (directions @ to_center) ** 2
        return self.mu * self.sd_mm * np.sqrt(2 * np.pi) * np.exp(-distance2 / (2 * self.sd_mm**2))

    def at(self, points: Array, _blur_mm: float = 0.0) -> Array:
        return self.mu * np.exp(-((points - self.center) ** 2).sum(-1) / (2 * self.sd_mm**2))


Shape = Ellipsoid | Gaussian

ELLIPSOIDS = (
    Ellipsoid(0.02, np.array([0.0, 0.0, 0.0]), np.diag([90.0, 70.0, 100.0])),
    Ellipsoid(-0.015, np.array([-35.0, 5.0, 10.0]), np.diag([30.0, 40.0, 60.0])),
    Ellipsoid(0.03, np.array([30.0, -20.0, -20.0]), np.array([[20.0, 8.0, 0.0], [-9.0, 25.0, 5.0], [0.0, -4.0, 40.0]])),
)
GAUSSIANS = (
    Gaussian(0.02, np.array([5.0, -8.0, 10.0]), 16.0),
    Gaussian(0.03, np.array([-18.0, 12.0, -14.0]), 12.0),
)


def ijk_to_ras_of(shape_kji: tuple[int, int, int], extent_mm: float, directions: Array | None = None) -> Array:
    """A grid over a cube of ``extent_mm`` centred at the origin; ``directions`` (3, 3) turns or shears it."""
    matrix = np.eye(4)
    spacing = np.diag([extent_mm / size for size in shape_kji[::-1]])
    matrix[:3, :3] = (np.eye(3) if directions is None else directions) @ spacing
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(shape_kji[::-1]) - 1) / 2)
    return matrix


def voxelised(shapes: tuple[Shape, ...], shape_kji: tuple[int, int, int], ijk_to_ras: Array) -> Volume:
    """The shapes' attenuation at the voxel centres."""
    k, j, i = np.meshgrid(*[np.arange(size) for size in shape_kji], indexing="ij")
    points = np.stack([i, j, k], axis=-1) @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    blur_mm = float(np.linalg.norm(ijk_to_ras[:3, :3], axis=0).mean())
    return Volume(sum(shape.at(points, blur_mm) for shape in shapes).astype(np.float32), ijk_to_ras, "mu_per_mm")


def exact_image(shapes: tuple[Shape, ...], geometry: XRayGeometry) -> Array:
    """Closed-form line integrals (rows, columns)."""
    columns, rows = geometry.size_px
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([column, row, np.zeros_like(row), np.ones_like(row)], axis=-1).astype(float)
    source = geometry.source_ras_mm
    directions = (pixels @ geometry.pixel_to_ras.T)[..., :3] - source
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    return sum(shape.integrals(source, directions) for shape in shapes)


def c_arm(primary_deg: float, secondary_deg: float, size_px: tuple[int, int] = (48, 40)) -> XRayGeometry:
    """A view of the origin whose field covers a cube of 240 mm."""
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=secondary_deg,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=size_px,
        pixel_spacing_mm=(360.0 / size_px[1], 360.0 / size_px[0]),
    )


VIEWS = {
    "posterior": (0.0, 0.0),
    "lateral": (90.0, 0.0),
    "axial": (0.0, 88.0),
    "oblique": (37.0, -24.0),
    "diagonal": (45.0, 35.0),
}
"""Angles whose rays run along j, i, k, and along several axes within one image."""


def relative_error(result: NDArray, wanted: NDArray) -> float:
    """L2 norm of the difference over that of what was wanted."""
    return float(np.linalg.norm(np.asarray(result, float) - wanted) / np.linalg.norm(wanted))
