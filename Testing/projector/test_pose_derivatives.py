"""Pose derivatives against central finite differences of the projection itself."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_shapes import GAUSSIANS, VIEWS, c_arm, ijk_to_ras_of, relative_error, voxelised
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import pose_gradient, pose_jacobian, project
from XRayLib.projector.backends import Backend
from XRayLib.projector.rays import motion_of, rays_of
from XRayLib.projector.rigid import motion_from_twist

STEPS = np.array([2e-4] * 3 + [0.05] * 3)
PIVOT = np.array([12.0, -7.0, 20.0])


def finite_differences(volume: Volume, geometry: XRayGeometry, pivot: np.ndarray) -> np.ndarray:
    """(6, rows, columns) central differences in double precision where it counts: between two float32 images."""
    differences = []
    for twist in np.diag(STEPS):
        moved = [geometry.moved(motion_from_twist(sign * twist, pivot)) for sign in (1, -1)]
        plus, minus = project(volume, moved).astype(np.float64)
        differences.append((plus - minus) / (2 * twist.sum()))
    return np.stack(differences)


def keeps_main_axis(volume: Volume, geometry: XRayGeometry) -> np.ndarray:
    """(rows, columns) True where no small motion changes the axis that the ray is sampled along: a jump between two
    quadratures of the same integral, in which differences have no meaning."""
    columns, rows = geometry.size_px
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = np.stack([column, row, np.ones_like(row)], axis=-1)
    moved = [geometry.moved(motion_from_twist(sign * twist, PIVOT)) for sign in (1, -1) for twist in np.diag(STEPS)]
    directions = np.einsum("vab,rcb->vrca", rays_of(moved, volume.ijk_to_ras).pixel_to_ijk, pixels)
    axes = np.abs(directions).argmax(axis=-1)
    return (axes == axes[0]).all(axis=0)


@pytest.mark.parametrize("angles", VIEWS.values(), ids=VIEWS.keys())
def test_jacobian_of_a_smooth_volume(angles: tuple[float, float]) -> None:
    shape = (56, 60, 64)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 190.0))
    geometry = c_arm(*angles)
    images, jacobian = pose_jacobian(volume, [geometry], PIVOT)
    np.testing.assert_allclose(images, project(volume, [geometry]), atol=1e-6)
    wanted, smooth = finite_differences(volume, geometry, PIVOT), keeps_main_axis(volume, geometry)
    assert smooth.mean() > 0.99
    for component in range(6):
        assert relative_error(jacobian[0, component][smooth], wanted[component][smooth]) < 0.02, component


@pytest.mark.parametrize("angles", [(0.0, 0.0), (90.0, 0.0), (37.0, -24.0)])
def test_jacobian_where_anatomy_is_cut_by_the_faces_of_the_volume(angles: tuple[float, float]) -> None:
    shape = (11, 14, 12)
    matrix = ijk_to_ras_of(shape, 120.0)
    ramp = np.add.outer(np.add.outer(np.linspace(1, 2, 11), np.linspace(0, 1, 14)), np.linspace(0, 2, 12))
    volume = Volume((0.01 * ramp).astype(np.float32), matrix, "mu_per_mm")
    geometry = c_arm(*angles)
    _, jacobian = pose_jacobian(volume, [geometry], PIVOT)
    wanted = finite_differences(volume, geometry, PIVOT)
    smooth = away_from_edges(volume, geometry)
    assert smooth.mean() > 0.1
    for component in range(6):
        result, expected = jacobian[0, component][smooth], wanted[component][smooth]
        assert np.abs(result - expected).max() < 0.02 * np.abs(expected).max() + 2e-5, component


def away_from_edges(volume: Volume, geometry: XRayGeometry) -> np.ndarray:
    """Pixels that small motions do not carry across the silhouette of one of the volume's edges."""
    size = np.array(volume.voxels.shape[::-1]) - 1
    columns, rows = geometry.size_px
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    keep = project(Volume(np.ones_like(volume.voxels), volume.ijk_to_ras, "mu_per_mm"), [geometry])[0] > 5.0
    for start in np.ndindex(2, 2, 2):
        for axis in range(3):
            if start[axis] == 0:
                ends = np.array([start, start], float)
                ends[1, axis] = 1
                points = np.linspace(*(ends * size), 200) @ volume.ijk_to_ras[:3, :3].T + volume.ijk_to_ras[:3, 3]
                for u, v in geometry.project(points):
                    keep &= np.hypot(column - u, row - v) > 0.8
    return keep


@pytest.mark.parametrize("depth_mm", [700.0, 20.0], ids=["source outside", "source inside"])
def test_backends_agree_on_the_jacobian(backend: Backend, depth_mm: float) -> None:
    from XRayLib.projector.numpy_backend import NumpyBackend

    shape = (9, 12, 11)
    matrix = ijk_to_ras_of(shape, 150.0)
    voxels = np.random.default_rng(4).random(shape, dtype=np.float32)
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=33,
        secondary_angle_deg=21,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=depth_mm,
        size_px=(20, 16),
        pixel_spacing_mm=(20.0, 20.0),
    )
    rays = rays_of([geometry], matrix)
    motion = motion_of(rays, matrix, PIVOT)
    images, jacobian = backend.project_with_jacobian(backend.upload(voxels), rays, motion)
    images_wanted, wanted = NumpyBackend().project_with_jacobian(voxels, rays, motion)
    np.testing.assert_allclose(images, images_wanted, atol=1e-3)
    for component in range(6):
        assert relative_error(jacobian[0, component], wanted[0, component]) < 1e-4, component


def test_gradient_is_the_weighted_jacobian_per_view() -> None:
    shape = (20, 22, 24)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 190.0))
    geometries = [c_arm(0.0, 0.0), c_arm(90.0, 0.0)]
    _, jacobian = pose_jacobian(volume, geometries)
    weights = np.random.default_rng(5).random((2, 40, 48), dtype=np.float32)
    images, gradient = pose_gradient(volume, geometries, weights)
    assert images.shape == weights.shape
    np.testing.assert_allclose(gradient, np.einsum("vmrc,vrc->vm", jacobian, weights), rtol=1e-4)
    assert gradient.shape == (2, 6)


def test_moving_a_volume_away_from_the_source_shrinks_its_shadow_in_closed_form() -> None:
    """A centred Gaussian's central ray does not change when the volume shifts along it."""
    shape = (40, 40, 40)
    volume = voxelised(GAUSSIANS[:1], shape, ijk_to_ras_of(shape, 200.0))
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=0,
        secondary_angle_deg=0,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=700,
        size_px=(1, 1),
        pixel_spacing_mm=(1.0, 1.0),
        isocenter_ras_mm=GAUSSIANS[0].center,
    )
    _, jacobian = pose_jacobian(volume, [geometry], GAUSSIANS[0].center)
    assert np.abs(jacobian[0, 3:, 0, 0]).max() < 1e-5
