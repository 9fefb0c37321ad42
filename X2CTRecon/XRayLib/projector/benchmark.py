"""Speed of the projector beside its peers, run in turns in one process so that a busy computer slows both alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.projector.backends import projector_backends
from XRayLib.projector.benchmark_peers import Peer, installed_cuda_peers, installed_peers
from XRayLib.projector.projection import Projector, backproject

BUDGET_S = 4.0
"""Time for one case with one peer; every pair is timed at least once, at most MAX_ROUNDS times."""
MAX_ROUNDS = 9

EXTENT_MM = 256.0
DETECTOR_MM = 400.0


@dataclass(frozen=True)
class Setting:
    """One volume with its views: ``size`` voxels cubed seen on ``pixels`` x ``pixels`` from ``views`` angles."""

    size: int
    pixels: int
    views: int

    @property
    def title(self) -> str:
        views = "1 view" if self.views == 1 else f"{self.views} views"
        return f"{self.size}^3 -> {self.pixels}x{self.pixels}, {views}"


SETTINGS = (Setting(256, 200, 1), Setting(256, 256, 8), Setting(128, 200, 1), Setting(128, 256, 8))


def benchmark() -> Iterator[dict[str, Any]]:
    """One dict per measured pair: the projector and a peer, median times in ms and the median of their ratios.

    Keys: bench, case, value, unit, peer, peer_value, ratio (ours / peer), floor, threads, device. ``floor`` is the time
    to read the volume once from memory. A case without a peer has peer, peer_value and ratio None. Rows "agreement"
    hold the relative L2 difference between the two projections.
    """
    for setting in SETTINGS:
        volume, geometries = phantom(setting.size), views_of(setting)
        yield from _cpu_rows(setting, volume, geometries)
        if any(status.usable and status.device == "cuda" for status in projector_backends()):
            yield from _cuda_rows(setting, volume, geometries)


def phantom(size: int) -> Volume:
    """Nested ellipsoids with noise inside a cube of EXTENT_MM, mu_per_mm."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    voxels = 0.02 * (x**2 / 0.7 + y**2 / 0.5 + z**2 < 0.9).astype(np.float32)
    voxels[(x - 0.35) ** 2 / 0.1 + y**2 / 0.2 + z**2 / 0.4 < 1] = 0.005
    voxels[(x + 0.35) ** 2 / 0.1 + y**2 / 0.2 + z**2 / 0.4 < 1] = 0.005
    voxels[x**2 / 0.02 + (y - 0.4) ** 2 / 0.02 + z**2 < 1] = 0.04
    voxels *= np.random.default_rng(0).uniform(0.9, 1.1, voxels.shape).astype(np.float32)
    return Volume.axis_aligned(voxels, (EXTENT_MM / size,) * 3, quantity="mu_per_mm")


def views_of(setting: Setting) -> list[XRayGeometry]:
    """C-arm views around the volume; a single view is oblique, as most are."""
    angles = [20.0] if setting.views == 1 else np.arange(setting.views) * 360.0 / setting.views
    return [
        XRayGeometry.from_c_arm(
            primary_angle_deg=float(angle),
            secondary_angle_deg=0.0,
            source_to_detector_mm=1020.0,
            source_to_isocenter_mm=700.0,
            size_px=(setting.pixels, setting.pixels),
            pixel_spacing_mm=(DETECTOR_MM / setting.pixels,) * 2,
        )
        for angle in angles
    ]


def _cpu_rows(setting: Setting, volume: Volume, geometries: Sequence[XRayGeometry]) -> Iterator[dict[str, Any]]:
    from XRayLib.projector.numba_backend import threads

    projector, count = Projector(volume, device="cpu"), threads()
    ones = np.ones((setting.views, setting.pixels, setting.pixels), np.float32)
    peers = installed_peers(volume, geometries, count, marching=setting.views == 1)
    common = {"floor": _read_once_ms(volume.voxels, count), "threads": count, "device": "cpu"}
    tasks: list[tuple[str, Callable[[], Any], list[tuple[str, Callable[[], Any]]]]] = [
        ("forward", lambda: projector.project(geometries), [(p.name, p.project) for p in peers]),
        (
            "forward + pose gradient",
            lambda: projector.pose_jacobian(geometries)[1].sum(axis=(2, 3)),
            [(p.name, p.pose_gradient) for p in peers if p.pose_gradient],
        ),
        (
            "forward + pose gradient beside forward only",
            lambda: projector.pose_jacobian(geometries)[1].sum(axis=(2, 3)),
            [(p.name, p.project) for p in peers if not p.pose_gradient],
        ),
        (
            "back projection",
            lambda: backproject(ones, geometries, volume, device="cpu"),
            [(p.name, p.backproject) for p in peers if p.backproject],
        ),
    ]
    for task, ours, theirs in tasks:
        for peer, run in theirs or [(None, None)]:
            yield _row(f"{setting.title}, {task}", ours, peer, run) | common
    yield from _agreement(setting, projector.project(geometries), peers, common)


def _agreement(setting: Setting, images: np.ndarray, peers: list[Peer], common: dict) -> Iterator[dict[str, Any]]:
    for peer in peers:
        theirs = np.asarray(peer.project(), float)
        difference = float(np.linalg.norm(images - theirs) / np.linalg.norm(theirs))
        yield {
            "bench": "projector",
            "case": f"{setting.title}, agreement",
            "value": difference,
            "unit": "relative L2",
            "peer": peer.name,
            "peer_value": 0.0,
            "ratio": None,
        } | common


def _cuda_rows(setting: Setting, volume: Volume, geometries: Sequence[XRayGeometry]) -> Iterator[dict[str, Any]]:
    projector = Projector(volume, device="cuda")
    common = {"floor": None, "threads": None, "device": "cuda"}
    peers = installed_cuda_peers(volume, geometries)
    for task, ours, theirs in (
        ("forward", lambda: projector.project(geometries), [(p.name, p.project) for p in peers]),
        (
            "forward + pose gradient",
            lambda: projector.pose_jacobian(geometries),
            [(p.name, p.pose_gradient) for p in peers],
        ),
    ):
        for peer, run in theirs or [(None, None)]:
            yield _row(f"{setting.title}, {task}", ours, peer, run) | common
    yield from _agreement(setting, projector.project(geometries), peers, common)


def _row(case: str, ours: Callable[[], Any], peer: str | None, theirs: Callable[[], Any] | None) -> dict[str, Any]:
    own, other = _times_in_turns(ours, theirs)
    return {
        "bench": "projector",
        "case": case,
        "value": float(np.median(own)) * 1e3,
        "unit": "ms",
        "peer": peer,
        "peer_value": float(np.median(other)) * 1e3 if other else None,
        "ratio": float(np.median(np.divide(own, other))) if other else None,
    }


def _times_in_turns(ours: Callable[[], Any], theirs: Callable[[], Any] | None) -> tuple[list[float], list[float]]:
    """Seconds of both, alternating; the first round warms up and counts only when it already used the budget."""
    rounds: list[tuple[float, float]] = []
    start = time.perf_counter()
    while not rounds or (time.perf_counter() - start < BUDGET_S and len(rounds) <= MAX_ROUNDS):
        rounds.append((_seconds(ours), _seconds(theirs) if theirs else 0.0))
    kept = rounds[1:] or rounds
    return [own for own, _ in kept], [other for _, other in kept] if theirs else []


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _read_once_ms(voxels: np.ndarray, threads: int) -> float:
    """Shortest time in ms for all threads to read the volume once."""
    parts = np.array_split(voxels.reshape(-1), threads)
    with ThreadPoolExecutor(threads) as pool:
        return min(_seconds(lambda: list(pool.map(np.max, parts))) for _ in range(5)) * 1e3
