"""A small torso with an ellipsoid for a liver: breathing without any patient."""

from __future__ import annotations

from functools import cache

import numpy as np
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.mesh import organ_template
from XRayLib.motion import MotionModel

LIVER = 5


def torso() -> tuple[Volume, Volume]:
    """CT in HU and labels, 6 mm: an elliptic body with lungs under a dome, a liver beneath, spine and ribs."""
    shape, spacing = (60, 44, 58), 6.0
    k, j, i = np.indices(shape)
    r, a, s = ((n - (size - 1) / 2) * spacing for n, size in ((i, 58), (j, 44), (k, 60)))
    skin = np.hypot(r / 160, a / 115)
    wall = np.hypot(r / 132, a / 88) * (1 + 0.15 * np.clip((s - 20) / 140, 0, 1))
    dome = 10 - 40 * np.hypot((np.abs(r) - 60) / 90, a / 90) ** 2
    lung = (wall < 1) & (s > dome) & (s < 150) & (np.abs(r) > 22)
    liver = np.hypot(np.hypot((r - 50) / 68, (a - 20) / 55), (s + 52) / 52) < 1
    liver &= (wall < 1) & (s < dome - 2)
    spine = np.hypot(r / 18, (a + 84) / 18) < 1
    rib = (np.abs(wall - 1.1) < 0.04) & (s % 30 < 10)
    hu = np.where(skin < 1, 20.0, -1000.0)
    for mask, value in ((lung, -800.0), (liver, 60.0), (spine, 500.0), (rib & (skin < 1), 400.0)):
        hu[mask] = value
    ct = Volume.axis_aligned(hu.astype(np.float32), (spacing,) * 3)
    return ct, Volume(np.where(liver, LIVER, 0).astype(np.float32), ct.ijk_to_ras, "label")


def right_lung(ct: Volume) -> SurfaceMesh:
    """Of the torso."""
    r = ct.ijk_to_ras[0, 3] + 6.0 * np.arange(ct.voxels.shape[2])
    inside = (ct.voxels == -800.0) & (r > 0)
    return organ_template(Volume(inside.astype(np.float32), ct.ijk_to_ras, "label"), vertices=400)


@cache
def breathing_torso() -> tuple[MotionModel, Volume, SurfaceMesh]:
    """Motion model on a 6 mm grid, labels and template of the liver."""
    ct, labels = torso()
    organ = organ_template(labels, LIVER, vertices=400)
    return MotionModel(ct, organ, spacing_mm=6.0), labels, organ
