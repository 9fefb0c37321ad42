"""Where a deformable fit starts: at rest, breathed in and out, and where a prepared network sees the organ."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from XRayLib.case import Case, Options, Result, SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.projector.rigid import motion_from_twist
from XRayRegistrationLib.deformable import mesh_start
from XRayRegistrationLib.deformable.mesh_start import coefficients_seen
from XRayRegistrationLib.deformable.models import starts_of

POSE = motion_from_twist([0.1, -0.2, 0.3, 10.0, 20.0, -30.0], np.zeros(3))
ORGAN = SurfaceMesh(np.random.default_rng(0).uniform(-50, 50, (20, 3)), np.array([[0, 1, 2]]))
MOVED = np.array([0.5, -1.0, 2.0])
MODES = SimpleNamespace(organ_coefficients=lambda displacement_mm: displacement_mm.mean(axis=0))
"""Three modes that shift the organ along R, A and S, 1 mm each."""


class SeesItShifted:
    """A network that sees the organ moved, in the world."""

    def run(self, case: Case, options: Options, _progress) -> Result:
        assert options.extra == {"refine": False}
        pose = case.initial_ct_to_world
        points = (ORGAN.points + MOVED) @ pose[:3, :3].T + pose[:3, 3]
        return Result("organ-mesh", mesh=SurfaceMesh(points, ORGAN.triangles))


class SeesNothing:
    """A network whose window lies off the film."""

    def run(self, *_arguments) -> Result:
        raise InputError("The organ is off the film.")


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_start, "prepared_bundle", lambda ct, what, mesh: Path("organ-mesh"))


def test_what_the_network_sees_becomes_coefficients(prepared, monkeypatch) -> None:
    monkeypatch.setattr(mesh_start, "method", lambda _id: SeesItShifted())
    found = coefficients_seen(Case((), mesh=ORGAN), MODES, POSE, Options(extra={"initialisation": "given"}))
    np.testing.assert_allclose(found, MOVED, atol=1e-9)


def test_without_a_prepared_network_or_when_it_sees_nothing_there_is_no_start(prepared, monkeypatch) -> None:
    monkeypatch.setattr(mesh_start, "method", lambda _id: SeesNothing())
    assert coefficients_seen(Case((), mesh=ORGAN), MODES, POSE, Options()) is None
    assert coefficients_seen(Case(()), MODES, POSE, Options()) is None
    monkeypatch.setattr(mesh_start, "prepared_bundle", lambda ct, what, mesh: None)
    assert coefficients_seen(Case((), mesh=ORGAN), MODES, POSE, Options()) is None


def test_starts_keep_the_pose_and_vary_the_soft_tissue() -> None:
    motion = SimpleNamespace(
        number=9, mode_derivatives=np.zeros((3, 1)), at_rest=lambda: np.array([0.0] * 6 + [1, 2, 3])
    )
    stiffer = np.arange(6.0)
    starts = starts_of(motion, stiffer, np.array([7.0, 8, 9]))
    assert all((start[:6] == stiffer).all() for start in starts)
    np.testing.assert_array_equal([start[6:] for start in starts], [[-0.5, 2, 3], [1, 2, 3], [2.5, 2, 3], [7, 8, 9]])
    stiff = SimpleNamespace(number=6, mode_derivatives=np.zeros((0, 1)), at_rest=lambda: np.zeros(6))
    assert len(starts_of(stiff, stiffer)) == 1
