"""A phantom that has breathed in, its films, and two bones in a box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from XRayLib.case import Case, SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.mesh.organ_template import organ_template
from XRayLib.motion import DisplacementField, MotionModel
from XRayLib.phantom import torso_phantom
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.simulate import c_arm_views, simulate_radiograph

LIVER = 5


@dataclass(frozen=True)
class Patient:
    """A CT, its labels, its liver, and how it moves."""

    ct: Volume
    labels: Volume
    liver: SurfaceMesh
    model: MotionModel


@dataclass(frozen=True)
class Truth:
    """What the films of a case show: ``field`` and ``pose`` as of a Result."""

    field: DisplacementField
    pose: np.ndarray
    patient: Patient

    def errors_mm(self, ct_to_world: np.ndarray, field: DisplacementField) -> np.ndarray:
        """Target registration errors at points of the body and the liver's surface, in the CT."""
        now = self.field.moved(self.patient.liver.points)
        world = now @ self.pose[:3, :3].T + self.pose[:3, 3]
        back = (world - ct_to_world[:3, 3]) @ ct_to_world[:3, :3]
        return np.linalg.norm(field.in_ct(back) - self.patient.liver.points, axis=1)


@pytest.fixture(scope="session")
def patient() -> Patient:
    """A torso without arms, 5 mm voxels."""
    phantom = torso_phantom(5, spacing_mm=5.0)
    liver = organ_template(phantom.labels, LIVER, vertices=400)
    return Patient(phantom.ct, phantom.labels, liver, MotionModel(phantom.ct, liver))


@pytest.fixture(scope="session")
def films_of(patient: Patient) -> Callable[..., tuple[Case, Truth]]:
    """``films_of(descent_mm, angles_deg)``: films of the patient with the diaphragm so much lower, and the truth."""

    def make(descent_mm: float, angles_deg: tuple[float, ...] = (0.0, 90.0)) -> tuple[Case, Truth]:
        drawn = patient.model.random_parameters(np.random.default_rng(11))
        slight = 0.25 * drawn.control_points
        field = patient.model.field(replace(drawn, descent_mm=descent_mm, control_points=slight))
        if descent_mm == 0:
            field = DisplacementField.identity(patient.ct.voxels.shape, patient.ct.ijk_to_ras)
        now = field.on_grid(patient.ct.voxels.shape, patient.ct.ijk_to_ras).warp(
            patient.ct, extend=True, keep_mass=True
        )
        pose = motion_from_twist([0.03, -0.05, 0.04, 6.0, -9.0, 5.0], patient.ct.center_ras_mm)
        views = c_arm_views(patient.ct, [(a, 0) for a in angles_deg], size_px=(128, 128), pixel_spacing_mm=3.5)
        films = tuple(replace(simulate_radiograph(now, view.moved(pose)), geometry=view) for view in views)
        return Case(films, ct=patient.ct, mesh=patient.liver), Truth(field, pose, patient)

    return make


@pytest.fixture(scope="session")
def two_bones() -> Volume:
    """Two rods of bone in a box of water, 5 mm."""
    voxels = np.full((40, 30, 40), -1000, np.float32)
    voxels[2:38, 3:27, 3:37] = 20
    voxels[8:32, 12:18, 8:13] = 900
    voxels[8:32, 12:18, 26:32] = 900
    return Volume.axis_aligned(voxels, (5.0, 5.0, 5.0), (10.0, -20.0, 30.0))
