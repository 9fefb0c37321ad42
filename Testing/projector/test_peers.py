"""Agreement with other projectors on the same volume and views, and the benchmark's rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from analytic_shapes import c_arm, ijk_to_ras_of, relative_error
from XRayLib.ct import Volume
from XRayLib.projector import backproject, benchmark, project
from XRayLib.projector.benchmark_peers import Peer, prepare_diffdrr, prepare_nanodrr, prepare_rtk

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # ITK's wrappers raise hundreds

GEOMETRIES = [c_arm(20, 10, (40, 36)), c_arm(110, 0, (40, 36))]


def box_with_noise(border: int) -> Volume:
    """Noise, zero within ``border`` voxels of the faces, off centre so that any flip or swap shows."""
    shape = (36, 44, 40)
    voxels = np.random.default_rng(3).uniform(0.005, 0.03, shape).astype(np.float32)
    voxels[:12, :20] *= 3
    inside = np.zeros(shape, bool)
    inside[tuple(slice(border, size - border) for size in shape)] = True
    return Volume(np.where(inside, voxels, 0), ijk_to_ras_of(shape, 200.0), "mu_per_mm")


def ready(prepare: Callable[..., Peer], volume: Volume) -> Peer:
    try:
        return prepare("peer", volume, GEOMETRIES, 2)
    except (ImportError, AttributeError) as error:
        pytest.skip(f"the peer is not installed: {error}")


def test_itk_rtk_joseph_agrees_forward_and_backward() -> None:
    """Anatomy cut by the faces included: both end the volume at the outermost voxel centres."""
    volume = box_with_noise(border=0)
    rtk = ready(prepare_rtk, volume)
    theirs = np.array(rtk.project())
    assert relative_error(project(volume, GEOMETRIES), theirs) < 1e-3
    interior = (slice(4, -4),) * 3
    ones = np.ones((2, 36, 40), np.float32)
    assert relative_error(backproject(ones, GEOMETRIES, volume)[interior], np.array(rtk.backproject())[interior]) < 2e-2


@pytest.mark.parametrize("prepare", [prepare_diffdrr, prepare_nanodrr], ids=["DiffDRR trilinear", "nanodrr"])
def test_ray_marching_peers_agree_on_smooth_volumes(prepare: Callable[..., Peer]) -> None:
    from analytic_shapes import GAUSSIANS, voxelised

    shape = (60, 66, 62)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 200.0))
    peer = ready(prepare, volume)
    assert relative_error(project(volume, GEOMETRIES), np.asarray(peer.project(), float)) < 1e-3


def test_benchmark_rows_have_every_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "SETTINGS", (benchmark.Setting(16, 12, 2),))
    monkeypatch.setattr(benchmark, "BUDGET_S", 0.01)
    stand_in = Peer("peer", lambda: project(volume, views), None, lambda: None)
    volume = benchmark.phantom(16)
    views = benchmark.views_of(benchmark.Setting(16, 12, 2))
    monkeypatch.setattr(benchmark, "installed_peers", lambda *_, **__: [stand_in])
    rows = [row for row in benchmark.benchmark() if row["device"] == "cpu"]
    assert [row["case"].partition(", ")[2].partition(", ")[2] for row in rows] == [
        "forward",
        "forward + pose gradient",
        "forward + pose gradient beside forward only",
        "back projection",
        "agreement",
    ]
    keys = {"bench", "case", "value", "unit", "peer", "peer_value", "ratio", "floor", "threads", "device"}
    assert all(set(row) == keys for row in rows)
    assert rows[0]["ratio"] > 0
    assert rows[1]["peer"] is None
    assert rows[4]["value"] < 1e-6
