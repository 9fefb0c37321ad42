"""Speed and accuracy of the registration beside its peers, from the same starts on the same films in the same run.

The CTs are the procedural torsos of this project at 3 mm; the films show the same painted at 2 mm, so that no projector
finds its own interpolation in them. Every start has a torso of its own: times hold the preparation of an unknown CT.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import Case, Options
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import target_grid, target_registration_errors_mm
from XRayLib.phantom import torso_phantom
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import simulate_radiograph

from XRayRegistrationLib.rigid.benchmark_peers import RegistrationPeer, installed_registration_peers
from XRayRegistrationLib.rigid.registration import register_rigid

Matrix = NDArray[np.float64]

FIRST_PATIENT, CT_SPACING_MM, FILM_SPACING_MM = 3, 3.0, 2.0
FILM_PX, PIXEL_MM = 128, 3.2
THREADS = 2
STARTS = 3
START_TURN_DEG, START_SHIFT_MM = 5.0, 10.0
"""Starts are off by up to this about and along each axis: within reach of the peers, which search locally."""


@dataclass(frozen=True)
class Problem:
    """A CT, films of it at a known pose, and a start."""

    ct: Volume
    films: tuple[Radiograph, ...]
    true: Matrix
    start: Matrix


def benchmark() -> Iterator[dict[str, Any]]:
    """Two dicts per peer, with as many films as it takes: median time and median final mTRE over the same starts.

    Keys: bench, case, value, unit, peer, peer_value, ratio (ours / peer), floor, threads, device. ``floor`` of the
    error rows is 0, the start's median error is in ``start``. Peers are capped: see benchmark_peers.py. Without a peer
    peer, peer_value and ratio are None.
    """
    _limit_threads()
    peers = installed_registration_peers(THREADS)
    torsos = [
        [torso_phantom(FIRST_PATIENT + seed, spacing).ct for spacing in (CT_SPACING_MM, FILM_SPACING_MM)]
        for seed in range(STARTS)
    ]
    for views in sorted({1, 2, *(peer.views for peer in peers)}):
        problems = [problem(ct, painted, views, seed) for seed, (ct, painted) in enumerate(torsos)]
        _ours(problems[-1])  # compiles; a CT is forgotten when another comes, so the first is prepared again
        ours = [_outcome(_ours, each) for each in problems]
        for peer in [p for p in peers if p.views == views] or [None]:
            theirs = [] if peer is None else [_outcome(_run_of(peer), each) for each in problems]
            yield from _rows(views, problems, ours, peer, theirs)


def problem(ct: Volume, painted: Volume, views: int, seed: int) -> Problem:
    """Films from PA, and from the left with two views, of the torso off its nominal place; a start that is off too."""
    rng = np.random.default_rng([seed, views])
    middle = ct.center_ras_mm
    centred = np.eye(4)
    centred[:3, 3] = -middle
    true = centred @ _random_motion(rng, middle, 10.0, 20.0)
    geometries = [_gantry_view(angle) for angle in (0.0, 90.0)[:views]]
    moved = Volume(painted.voxels, true @ painted.ijk_to_ras)
    films = tuple(simulate_radiograph(moved, geometry, device="cpu") for geometry in geometries)
    return Problem(ct, films, true, true @ _random_motion(rng, middle, START_TURN_DEG, START_SHIFT_MM))


def _gantry_view(primary_angle_deg: float) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary_angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(FILM_PX, FILM_PX),
        pixel_spacing_mm=(PIXEL_MM, PIXEL_MM),
    )


def _random_motion(rng: np.random.Generator, pivot: Matrix, turn_deg: float, shift_mm: float) -> Matrix:
    turn = np.deg2rad(rng.uniform(-turn_deg, turn_deg, 3))
    return motion_from_twist([*turn, *rng.uniform(-shift_mm, shift_mm, 3)], pivot)


def _ours(problem: Problem) -> Matrix:
    case = Case(problem.films, ct=problem.ct, initial_ct_to_world=problem.start)
    options = Options(device="cpu", extra={"initialisation": "given"})
    return register_rigid(case, options, lambda _fraction, _stage: None).ct_to_world


def _run_of(peer: RegistrationPeer) -> Callable[[Problem], Matrix]:
    def run(problem: Problem) -> Matrix:
        volume_mu = Volume(attenuation_from_hu(problem.ct.voxels), problem.ct.ijk_to_ras, "mu_per_mm")
        return peer.register(problem.films, volume_mu, problem.start)

    return run


def _outcome(register: Callable[[Problem], Matrix], problem: Problem) -> tuple[float, float]:
    """Seconds and final mTRE in mm."""
    began = time.perf_counter()
    found = register(problem)
    return time.perf_counter() - began, _mtre_mm(problem, found)


def _mtre_mm(problem: Problem, pose: Matrix) -> float:
    return float(target_registration_errors_mm(problem.true, pose, target_grid(problem.ct)).mean())


def _rows(
    views: int,
    problems: Sequence[Problem],
    ours: Sequence[tuple[float, float]],
    peer: RegistrationPeer | None,
    theirs: Sequence[tuple[float, float]],
) -> Iterator[dict[str, Any]]:
    title = "1 view" if views == 1 else f"{views} views"
    start_mm = float(np.median([_mtre_mm(each, each.start) for each in problems]))
    for column, (what, unit, floor) in enumerate((("time", "s", None), ("mTRE", "mm", 0.0))):
        own = float(np.median([outcome[column] for outcome in ours]))
        other = float(np.median([outcome[column] for outcome in theirs])) if theirs else None
        yield {
            "bench": "registration",
            "case": f"{title}, {what}",
            "value": own,
            "unit": unit,
            "peer": None if peer is None else peer.name,
            "peer_value": other,
            "ratio": None if other is None else own / max(other, 1e-9),
            "floor": floor,
            "threads": THREADS,
            "device": "cpu",
            "start": start_mm if what == "mTRE" else None,
        }


def _limit_threads() -> None:
    import numba

    numba.set_num_threads(min(THREADS, numba.config.NUMBA_NUM_THREADS))
