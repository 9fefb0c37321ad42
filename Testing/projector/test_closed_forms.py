"""Forward projection against line integrals known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_shapes import (
    ELLIPSOIDS,
    GAUSSIANS,
    VIEWS,
    c_arm,
    exact_image,
    ijk_to_ras_of,
    relative_error,
    voxelised,
)
from XRayLib.ct import Volume
from XRayLib.projector import project
from XRayLib.projector.backends import Backend
from XRayLib.projector.rays import rays_of

SHEARED = np.array([[0.9, 0.2, 0.1], [-0.15, 1.0, 0.1], [0.05, -0.2, 1.1]])


@pytest.mark.parametrize("angles", VIEWS.values(), ids=VIEWS.keys())
def test_ellipsoids_converge_with_resolution(angles: tuple[float, float]) -> None:
    geometry = c_arm(*angles)
    exact = exact_image(ELLIPSOIDS, geometry)
    errors = []
    for size in (32, 64, 128):
        volume = voxelised(ELLIPSOIDS, (size,) * 3, ijk_to_ras_of((size,) * 3, 230.0))
        errors.append(relative_error(project(volume, [geometry])[0], exact))
    assert errors[0] > 1.6 * errors[1] > 1.6 * 1.6 * errors[2]
    assert errors[2] < 0.015


@pytest.mark.parametrize("angles", VIEWS.values(), ids=VIEWS.keys())
def test_smooth_shapes_are_exact_to_second_order(backend: Backend, angles: tuple[float, float]) -> None:
    geometry = c_arm(*angles, size_px=(24, 20))
    exact = exact_image(GAUSSIANS, geometry)
    errors = []
    for size in (30, 60):
        volume = voxelised(GAUSSIANS, (size,) * 3, ijk_to_ras_of((size,) * 3, 200.0))
        image = backend.project(backend.upload(volume.voxels), rays_of([geometry], volume.ijk_to_ras))[0]
        errors.append(relative_error(image, exact))
    assert errors[1] < 8e-3
    assert errors[0] > 3.3 * errors[1]


def test_sheared_and_anisotropic_grids_change_nothing() -> None:
    geometry = c_arm(20.0, 10.0)
    shape = (90, 100, 110)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 190.0, SHEARED))
    assert relative_error(project(volume, [geometry])[0], exact_image(GAUSSIANS, geometry)) < 2e-3


@pytest.mark.parametrize("axis", range(3))
def test_flipped_axes_change_nothing(axis: int) -> None:
    geometry = c_arm(30.0, 15.0)
    shape = (20, 25, 30)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 190.0))
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, axis] * (shape[2 - axis] - 1)
    matrix[:3, axis] *= -1
    flipped = Volume(np.flip(volume.voxels, axis=2 - axis), matrix, "mu_per_mm")
    np.testing.assert_allclose(project(flipped, [geometry]), project(volume, [geometry]), atol=2e-5)


@pytest.mark.parametrize("angles", VIEWS.values(), ids=VIEWS.keys())
def test_a_constant_box_integrates_to_its_exact_chords(backend: Backend, angles: tuple[float, float]) -> None:
    shape, extent = (9, 12, 7), 80.0
    matrix = ijk_to_ras_of(shape, extent)
    geometry = c_arm(*angles)
    image = backend.project(backend.upload(np.ones(shape, np.float32)), rays_of([geometry], matrix))[0]
    half = (np.array(shape[::-1]) - 1) / 2 * (extent / np.array(shape[::-1]))
    np.testing.assert_allclose(image, box_chords(geometry, half), atol=2e-4)


def box_chords(geometry, half_mm: np.ndarray) -> np.ndarray:
    """Lengths of the rays inside the box |x| <= half_mm, by the slab method."""
    columns, rows = geometry.size_px
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([column, row, np.zeros_like(row), np.ones_like(row)], axis=-1).astype(float)
    source = geometry.source_ras_mm
    directions = (pixels @ geometry.pixel_to_ras.T)[..., :3] - source
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        crossings = np.stack([(-half_mm - source) / directions, (half_mm - source) / directions])
    enter, leave = crossings.min(axis=0).max(axis=-1), crossings.max(axis=0).min(axis=-1)
    return np.maximum(leave - enter, 0)


def test_views_of_one_call_do_not_affect_each_other() -> None:
    shape = (20, 20, 20)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 190.0))
    geometries = [c_arm(*angles) for angles in VIEWS.values()]
    together = project(volume, geometries)
    for image, geometry in zip(together, geometries, strict=True):
        np.testing.assert_array_equal(image, project(volume, [geometry])[0])
