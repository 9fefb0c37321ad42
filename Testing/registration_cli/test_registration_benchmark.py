"""The benchmark's rows say what was measured, and its peers solve the same problem from the same start."""

from __future__ import annotations

import json

import numpy as np
import pytest
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.phantom import torso_phantom
from XRayRegistrationLib.rigid import benchmark, benchmark_peers

KEYS = {"bench", "case", "value", "unit", "peer", "peer_value", "ratio", "floor", "threads", "device", "start"}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ITK's wrappers raise hundreds


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same problem at a quarter of the resolution, once."""
    for name, value in (
        ("CT_SPACING_MM", 8.0),
        ("FILM_SPACING_MM", 6.0),
        ("FILM_PX", 64),
        ("PIXEL_MM", 6.4),
        ("STARTS", 1),
    ):
        monkeypatch.setattr(benchmark, name, value)
    monkeypatch.setattr(benchmark_peers, "ADAM_STEPS", 30)
    monkeypatch.setattr(benchmark_peers, "POWELL_ROUNDS", 1)


def small_problem(views: int) -> benchmark.Problem:
    ct, painted = (torso_phantom(benchmark.FIRST_PATIENT, spacing).ct for spacing in (8.0, 6.0))
    return benchmark.problem(ct, painted, views, seed=0)


def test_the_rows_hold_both_times_and_errors(small, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = benchmark_peers.RegistrationPeer("stays 1.0", 1, lambda films, volume, start: start)
    monkeypatch.setattr(benchmark, "installed_registration_peers", lambda threads: [peer])
    rows = list(benchmark.benchmark())
    assert [row["case"] for row in rows] == ["1 view, time", "1 view, mTRE", "2 views, time", "2 views, mTRE"]
    for row in rows:
        assert set(row) == KEYS
        json.dumps(row)
    error, alone = rows[1], rows[3]
    assert (error["peer"], error["peer_value"]) == ("stays 1.0", pytest.approx(error["start"]))
    assert error["ratio"] == pytest.approx(error["value"] / error["start"])
    assert alone["peer"] is None
    assert alone["ratio"] is None
    assert alone["value"] < 0.3 * alone["start"]


def test_the_problem_is_off_its_nominal_place_and_its_start_is_off_it() -> None:
    problem = small_problem(2)
    middle = problem.ct.center_ras_mm
    assert 1 < np.linalg.norm((problem.true @ [*middle, 1])[:3]) < 40
    assert 3 < benchmark._mtre_mm(problem, problem.start) < 40
    assert benchmark._mtre_mm(problem, problem.true) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("package", ["diffdrr", "itk-twoprojectionregistration"])
def test_a_peer_gets_nearer_to_the_true_pose(small, package: str) -> None:
    peers = {peer.name.split()[0]: peer for peer in benchmark_peers.installed_registration_peers(2)}
    if package not in peers:
        pytest.skip(f"{package} is not installed")
    peer = peers[package]
    problem = small_problem(peer.views)
    volume_mu = Volume(attenuation_from_hu(problem.ct.voxels), problem.ct.ijk_to_ras, "mu_per_mm")
    found = peer.register(problem.films, volume_mu, problem.start)
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-4)
    assert benchmark._mtre_mm(problem, found) < 0.5 * benchmark._mtre_mm(problem, problem.start)


def test_a_halved_film_keeps_its_geometry() -> None:
    film = small_problem(1).films[0]
    half = benchmark_peers._halved(film)
    point = [[30.0, -20.0, 50.0]]
    np.testing.assert_allclose(half.geometry.project(point), (film.geometry.project(point) - 0.5) / 2, atol=1e-9)
    assert half.line_integral.mean() == pytest.approx(film.line_integral.mean(), rel=1e-5)
