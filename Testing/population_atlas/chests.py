"""Patients as simple as can be: a body with two lungs and a spine, of any size and place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

EDGE_MM, SIDE = 416.0, 32


def chest(
    size: tuple[float, float, float] = (1.0, 1.0, 1.0), place_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> NDArray[np.float32]:
    """HU (32, 32, 32) along S, A, R; sizes and places along S, A, R. It goes on above and below the cube."""
    away = ((np.arange(SIDE) + 0.5) / SIDE - 0.5) * EDGE_MM
    s, a, r = np.meshgrid(away, away, away, indexing="ij")
    s, a, r = ((x - p) / f for x, p, f in zip((s, a, r), place_mm, size, strict=True))
    hu = np.full((SIDE,) * 3, -1000.0)
    hu += 1040 * smooth_step(1 - (a / 110) ** 2 - (r / 160) ** 2)
    for side in (-1, 1):
        lung = 1 - (s / 120) ** 2 - (a / 80) ** 2 - ((r - side * 75) / 55) ** 2
        hu -= 840 * smooth_step(lung)
    return (hu + 500 * smooth_step(1 - ((a + 80) / 22) ** 2 - (r / 22) ** 2)).astype(np.float32)


def smooth_step(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 outside, 1 inside, over about a voxel."""
    return np.clip(0.5 + 4 * x, 0, 1)


def volume(hu: NDArray[np.float32]) -> Volume:
    """In the cube around the origin."""
    return Volume.axis_aligned(hu, (EDGE_MM / hu.shape[0],) * 3)


def film(hu: NDArray[np.float32], primary_deg: float, pixels: int = 64) -> Radiograph:
    """A calibrated film at a chest stand."""
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1800.0,
        source_to_isocenter_mm=1600.0,
        size_px=(pixels, pixels),
        pixel_spacing_mm=(430.0 / pixels,) * 2,
    )
    attenuation = Volume(attenuation_from_hu(hu), volume(hu).ijk_to_ras, "mu_per_mm")
    return Radiograph(project(attenuation, [geometry], device="cpu")[0], geometry, calibrated=True)


def rms(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Of the difference."""
    return float(np.sqrt(np.mean((a - b) ** 2)))
