"""Back projection is the exact adjoint of projection, on every backend and in any geometry."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_shapes import VIEWS, c_arm, ijk_to_ras_of
from hypothesis import given, settings
from hypothesis import strategies as st
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import backproject, project
from XRayLib.projector.backends import Backend
from XRayLib.projector.rays import rays_of


def dot(a: np.ndarray, b: np.ndarray) -> float:
    return float((a.astype(np.float64) * b).sum())


@pytest.mark.parametrize("angles", VIEWS.values(), ids=VIEWS.keys())
def test_dot_products_agree(backend: Backend, angles: tuple[float, float]) -> None:
    random = np.random.default_rng(1)
    shape = (13, 18, 16)
    voxels = random.random(shape, dtype=np.float32)
    rays = rays_of([c_arm(*angles), c_arm(angles[0] + 60, angles[1] / 2)], ijk_to_ras_of(shape, 200.0))
    images = backend.project(backend.upload(voxels), rays)
    weights = random.random(images.shape, dtype=np.float32)
    spread = backend.backproject(weights, rays, shape)
    assert dot(images, weights) == pytest.approx(dot(spread, voxels), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    angles=st.tuples(st.floats(-180, 180), st.floats(-89, 89)),
    shear=st.tuples(*[st.floats(-0.4, 0.4)] * 6),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    depth_mm=st.floats(5, 900),
    seed=st.integers(0, 2**16),
)
def test_dot_products_agree_in_any_geometry(angles, shear, shape, depth_mm, seed) -> None:
    random = np.random.default_rng(seed)
    directions = np.eye(3)
    directions[~np.eye(3, dtype=bool)] = shear
    volume = Volume(random.random(shape, dtype=np.float32), ijk_to_ras_of(shape, 150.0, directions), "mu_per_mm")
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=angles[0],
        secondary_angle_deg=angles[1],
        source_to_detector_mm=1000.0,
        source_to_isocenter_mm=depth_mm,
        size_px=(17, 13),
        pixel_spacing_mm=(25.0, 20.0),
    )
    weights = random.random((1, 13, 17), dtype=np.float32)
    image, spread = project(volume, [geometry]), backproject(weights, [geometry], volume)
    assert spread.shape == shape
    assert dot(image, weights) == pytest.approx(dot(spread, volume.voxels), rel=1e-5, abs=1e-4)


def test_the_adjoint_does_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from XRayLib.projector import numba_backend

    shape = (21, 22, 23)
    rays = rays_of([c_arm(*angles) for angles in VIEWS.values()], ijk_to_ras_of(shape, 200.0))
    images = np.random.default_rng(2).random((len(VIEWS), 40, 48), dtype=np.float32)
    several = numba_backend.NumbaBackend().backproject(images, rays, shape)
    monkeypatch.setattr(numba_backend, "threads", lambda: 1)
    np.testing.assert_array_equal(several, numba_backend.NumbaBackend().backproject(images, rays, shape))
