"""The backends compute the same, and the choice between them explains itself."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from analytic_shapes import VIEWS, c_arm, ijk_to_ras_of
from XRayLib.ct import Volume
from XRayLib.errors import InputError, MissingDependencyError, OutOfMemoryError
from XRayLib.projector import Projector, backends, project, projector_backends
from XRayLib.projector.numpy_backend import NumpyBackend
from XRayLib.projector.rays import rays_of

SHAPE = (10, 13, 12)


@pytest.fixture
def voxels() -> np.ndarray:
    return np.random.default_rng(7).random(SHAPE, dtype=np.float32)


@pytest.fixture
def fresh_choice():
    """Backends are found once a process; forget what was found before and after."""
    backends.projector_backends.cache_clear()
    yield
    backends.projector_backends.cache_clear()


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    real = importlib.import_module

    def import_module(name: str, package: str | None = None):
        if name in missing:
            raise ImportError(f"No module named '{name}'")
        return real(name, package)

    monkeypatch.setattr(backends.importlib, "import_module", import_module)


@pytest.mark.parametrize("angles", VIEWS.values(), ids=VIEWS.keys())
def test_projection_and_adjoint_are_those_of_plain_numpy(backend, voxels, angles) -> None:
    rays = rays_of([c_arm(*angles, size_px=(21, 17))], ijk_to_ras_of(SHAPE, 180.0))
    reference = NumpyBackend()
    image = reference.project(voxels, rays)
    np.testing.assert_allclose(backend.project(backend.upload(voxels), rays), image, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        backend.backproject(image, rays, SHAPE),
        reference.backproject(image, rays, SHAPE),
        rtol=1e-4,
        atol=1e-4 * image.max(),
    )


@pytest.mark.usefixtures("fresh_choice")
def test_without_numba_numpy_takes_over_and_the_reason_is_told(monkeypatch, voxels) -> None:
    volume, geometry = Volume(voxels, ijk_to_ras_of(SHAPE, 150.0), "mu_per_mm"), c_arm(10, 5, (9, 8))
    compiled = project(volume, [geometry], device="cpu")
    backends.projector_backends.cache_clear()
    without(monkeypatch, "numba", "warp")
    assert Projector(volume).backend == "numpy"
    np.testing.assert_allclose(project(volume, [geometry]), compiled, rtol=1e-5, atol=1e-4)
    told = {status.name: status.reason for status in projector_backends() if not status.usable}
    assert "numba" in told["numba"]


@pytest.mark.usefixtures("fresh_choice")
def test_cuda_without_a_usable_device_says_why(monkeypatch, voxels) -> None:
    monkeypatch.setattr(backends, "_has_nvidia_driver", lambda: False)
    with pytest.raises(MissingDependencyError, match="driver"):
        Projector(Volume(voxels, np.eye(4), "mu_per_mm"), device="cuda")


def test_unknown_devices_are_refused(voxels) -> None:
    with pytest.raises(InputError, match="auto, cpu or cuda"):
        Projector(Volume(voxels, np.eye(4), "mu_per_mm"), device="tpu")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RuntimeError("Failed to allocate 123456 bytes on device 'cuda:0'"), "CPU"),
        (RuntimeError("CUDA error 2: out of memory"), "CPU"),
        (MemoryError(), "smaller volume"),
    ],
)
def test_running_out_of_memory_is_told_with_advice(error: Exception, advice: str) -> None:
    with pytest.raises(OutOfMemoryError, match=advice), backends.memory_errors():
        raise error


def test_other_failures_keep_their_own_message() -> None:
    with pytest.raises(RuntimeError, match="launch"), backends.memory_errors():
        raise RuntimeError("launch failed")


def test_a_forked_child_can_project(voxels) -> None:
    """Data loaders fork: the parent's thread pool does not exist in the child."""
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system cannot fork")
    volume, geometry = Volume(voxels, ijk_to_ras_of(SHAPE, 150.0), "mu_per_mm"), c_arm(10, 5, (40, 40))
    here = float(project(volume, [geometry], device="cpu").sum())
    with multiprocessing.get_context("fork").Pool(1) as pool:
        there = pool.apply_async(_sum_of_projection, (volume, geometry)).get(timeout=60)
    assert there == pytest.approx(here)


def _sum_of_projection(volume: Volume, geometry) -> float:
    return float(project(volume, [geometry], device="cpu").sum())


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(voxels) -> None:
    if not any(status.usable and status.device == "cuda" for status in projector_backends()):
        pytest.skip("no CUDA device")
    volume = Volume(voxels, ijk_to_ras_of(SHAPE, 150.0), "mu_per_mm")
    geometries = [c_arm(*angles) for angles in VIEWS.values()]
    np.testing.assert_allclose(
        project(volume, geometries, device="cuda"), project(volume, geometries, device="cpu"), rtol=1e-5, atol=1e-4
    )
