"""Films of a simulated torso whose true geometry is not the one that is assumed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import assumed_film_geometry
from XRayLib.geometry_estimation.film_parameters import changed
from XRayLib.phantom import torso_phantom
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

MIDDLE = np.zeros(3)
TRUTHS = (
    np.array([6.0, -2.0, 3.0, 15.0, -12.0, 0.05, 10.0, 0.0]),
    np.array([-7.0, 1.0, -2.0, -9.0, 14.0, -0.05, -15.0, 0.0]),
)
"""Differences of PARAMETERS from the assumed geometry."""


@cache
def attenuation(patient: int) -> Volume:
    """1/mm, around the origin."""
    ct = torso_phantom(patient, 8.0).ct
    return Volume.axis_aligned(attenuation_from_hu(ct.voxels), ct.spacing_mm, MIDDLE, "mu_per_mm")


def film(view: str, difference: NDArray[np.float64], *, patient: int = 3, calibrated: bool = True) -> Radiograph:
    """A film with 4 mm pixels whose geometry is believed to be the usual one."""
    assumed = assumed_film_geometry(view, (96, 96), (4.5, 4.5))
    image = project(attenuation(patient), [changed(assumed, difference, MIDDLE)], device="cpu")[0]
    if not calibrated:
        image = 0.2 * image + 0.05
    return Radiograph(image, assumed, calibrated=calibrated, view=view)


def films(**options) -> tuple[Radiograph, ...]:
    """Frontal and lateral."""
    return tuple(film(view, truth, **options) for view, truth in zip(("PA", "LL"), TRUTHS, strict=True))


def measured(radiograph: Radiograph) -> Radiograph:
    """The same with a geometry that nobody doubts."""
    return replace(radiograph, geometry=replace(radiograph.geometry, assumed=()))
