"""A torso before and after something has grown in it, on films all round."""

from __future__ import annotations

from functools import cache

import numpy as np
from XRayLib.case import Case
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.phantom import torso_phantom
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

MASS_RAS_MM = np.array([70.0, 10.0, 20.0])
MASS_RADIUS_MM = 45.0


@cache
def earlier_ct() -> Volume:
    """In HU, 6 mm."""
    return torso_phantom(4, 6.0).ct


@cache
def ct_now() -> Volume:
    """The same patient with a soft, dense mass in one lung."""
    before = earlier_ct()
    k, j, i = np.indices(before.voxels.shape)
    places = np.stack([i, j, k], axis=-1) @ before.ijk_to_ras[:3, :3].T + before.ijk_to_ras[:3, 3]
    share = np.clip((MASS_RADIUS_MM - np.linalg.norm(places - MASS_RAS_MM, axis=-1)) / 6.0 + 0.5, 0, 1)
    return Volume((before.voxels + share * np.maximum(60.0 - before.voxels, 0)).astype(np.float32), before.ijk_to_ras)


def c_arm(primary_angle_deg: float) -> XRayGeometry:
    """A detector that sees the torso whole."""
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1500.0,
        source_to_isocenter_mm=1000.0,
        size_px=(80, 72),
        pixel_spacing_mm=(10.0, 10.0),
    )


def films(volume: Volume, angles_deg: list[float]) -> tuple[Radiograph, ...]:
    """Line integrals of the volume."""
    views = [c_arm(angle) for angle in angles_deg]
    images = project(Volume(attenuation_from_hu(volume.voxels), volume.ijk_to_ras, "mu_per_mm"), views)
    return tuple(Radiograph(image, view, calibrated=True) for image, view in zip(images, views, strict=True))


def case_of(views: int) -> Case:
    """The earlier CT, and films of the patient now from evenly spread directions over half a turn."""
    return Case(films(ct_now(), [180.0 * n / views for n in range(views)]), ct=earlier_ct())
