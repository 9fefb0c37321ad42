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
from XRayRegistrationLib.deformable.mesh_start import motion_seen
from XRayRegistrationLib.deformable.models import starts_of

POSE = motion_from_twist([0.1, -0.2, 0.3, 10.0, 20.0, -30.0], np.zeros(3))
ORGAN = SurfaceMesh(np.random.default_rng(0).uniform(-50, 50, (20, 3)), np.array([[0, 1, 2]]))
MOVED = np.array([0.5, -1.0, 2.0])
SOFT = SimpleNamespace(values_of=lambda displacement_mm: displacement_mm.mean(axis=0))
"""Three numbers that shift the organ along R, A and S, 1 mm each."""


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


def test_what_the_network_sees_becomes_a_start(prepared, monkeypatch) -> None:
    monkeypatch.setattr(mesh_start, "method", lambda _id: SeesItShifted())
    found = motion_seen(Case((), mesh=ORGAN), SOFT, POSE, Options(extra={"initialisation": "given"}))
    np.testing.assert_allclose(found, MOVED, atol=1e-9)


def test_without_a_prepared_network_or_when_it_sees_nothing_there_is_no_start(prepared, monkeypatch) -> None:
    monkeypatch.setattr(mesh_start, "method", lambda _id: SeesNothing())
    assert motion_seen(Case((), mesh=ORGAN), SOFT, POSE, Options()) is None
    assert motion_seen(Case(()), SOFT, POSE, Options()) is None
    monkeypatch.setattr(mesh_start, "prepared_bundle", lambda ct, what, mesh: None)
    assert motion_seen(Case((), mesh=ORGAN), SOFT, POSE, Options()) is None


def test_starts_keep_the_pose_and_vary_the_soft_tissue() -> None:
    motion = SimpleNamespace(number=9, soft_number=3)
    stiffer = np.arange(6.0)
    *breaths, network = starts_of(motion, stiffer, np.array([7.0, 8, 9]))
    assert all((start[:6] == stiffer).all() for start in (*breaths, network))
    descents = np.array([start[6] for start in breaths])
    assert descents.min() == -descents.max() < -1
    assert 0 in descents
    assert np.diff(descents).max() <= 0.25
    assert not any(start[7:].any() for start in breaths)
    np.testing.assert_array_equal(network[6:], [7, 8, 9])
    freer = SimpleNamespace(number=12, soft_number=6)
    (on,) = starts_of(freer, np.arange(9.0), np.ones(6))
    np.testing.assert_array_equal(on, [*range(9), 0, 0, 0])
    stiff = SimpleNamespace(number=6, soft_number=0)
    assert len(starts_of(stiff, stiffer)) == 1
