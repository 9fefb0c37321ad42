"""Films of a coarse torso from any number of directions."""

from __future__ import annotations

from functools import cache

import numpy as np
from XRayLib.case import Case
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.common_grid import onto
from XRayLib.metrics.intensity import psnr_3d
from XRayLib.phantom import torso_phantom
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

SPACING_MM = 10.0


@cache
def torso() -> Volume:
    return torso_phantom(3, SPACING_MM).ct


def view(primary_deg: float, secondary_deg: float = 0.0, size_px: tuple[int, int] = (72, 72)) -> XRayGeometry:
    """A field of 720 mm on the detector, 480 mm in the torso's middle."""
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=secondary_deg,
        source_to_detector_mm=1500.0,
        source_to_isocenter_mm=1000.0,
        size_px=size_px,
        pixel_spacing_mm=(720.0 / size_px[1], 720.0 / size_px[0]),
        isocenter_ras_mm=(0.0, 0.0, -10.0),
    )


def film_of(volume_hu: Volume, geometry: XRayGeometry) -> Radiograph:
    mu = Volume(attenuation_from_hu(volume_hu.voxels), volume_hu.ijk_to_ras, "mu_per_mm")
    return Radiograph(project(mu, [geometry], device="cpu")[0], geometry, calibrated=True)


def torso_case(*primary_deg: float) -> Case:
    return Case(tuple(film_of(torso(), view(angle)) for angle in primary_deg), body_part="chest")


def psnr(volume_hu: Volume) -> float:
    """PSNR-3D over the torso's own grid, air where the volume ends."""
    return psnr_3d(torso().voxels, onto(volume_hu, torso())[0])


@cache
def baselines() -> tuple[float, float]:
    """PSNR-3D of air and of the mean of other torsos, on the torso's grid."""
    air = psnr_3d(torso().voxels, np.full(torso().voxels.shape, -1000.0, np.float32))
    others = [onto(torso_phantom(seed, SPACING_MM).ct, torso())[0] for seed in (11, 12, 13, 14)]
    return air, psnr_3d(torso().voxels, np.mean(others, axis=0))
