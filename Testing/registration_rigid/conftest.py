"""A small phantom, its C-arm, and films of it in known poses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from XRayLib.case import Case
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import target_grid, target_registration_errors_mm
from XRayLib.phantom import torso_phantom
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.simulate import c_arm_views, simulate_radiograph

MakeCase = Callable[..., Case]


@pytest.fixture(scope="session")
def phantom() -> Volume:
    """A torso without arms, 3 mm voxels."""
    return torso_phantom(5, spacing_mm=3.0).ct


@pytest.fixture(scope="session")
def views(phantom: Volume) -> tuple[XRayGeometry, ...]:
    """Frontal and lateral, 1020 mm from source to detector."""
    return c_arm_views(phantom, [(0, 0), (90, 0)], size_px=(200, 200), pixel_spacing_mm=2.2)


@pytest.fixture(scope="session")
def pose_of(phantom: Volume) -> Callable[..., np.ndarray]:
    """``pose_of(rotation_deg, shift_mm)``: 4x4 about the middle of the phantom."""

    def make(rotation_deg: tuple[float, ...], shift_mm: tuple[float, ...]) -> np.ndarray:
        return motion_from_twist([*np.deg2rad(rotation_deg), *shift_mm], phantom.center_ras_mm)

    return make


@pytest.fixture(scope="session")
def make_case(phantom: Volume, views: tuple[XRayGeometry, ...]) -> MakeCase:
    """``make_case(pose, number_of_views, realism)``: films of the moved phantom, and the phantom as CT."""

    def make(pose: np.ndarray, number: int = 2, realism: str = "none", seed: int = 0) -> Case:
        films = [
            replace(simulate_radiograph(phantom, view.moved(pose), realism=realism, seed=seed), geometry=view)
            for view in views[:number]
        ]
        return Case(tuple(films), ct=phantom)

    return make


@pytest.fixture(scope="session")
def mtre_mm(phantom: Volume) -> Callable[[np.ndarray, np.ndarray], float]:
    """Mean target registration error between two poses."""
    targets = target_grid(phantom)
    return lambda true, found: float(target_registration_errors_mm(true, found, targets).mean())
