"""Entry and exit points lie on their ray and on the body's surface; a scan's cut end is no surface."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.preparation.anatomy import anatomy_of
from XRayLib.preparation.film_stream import nominal_rotation, pinhole
from XRayRegistrationLib.preparation.scene_points import scene_points

RADIUS_MM = 60.0
CENTRE = np.array([8.0, -5.0, 12.0])


def ball(spacing: float = 2.0) -> Volume:
    """HU that fall linearly through the surface, so that its place is exact."""
    n = int(90 / spacing)
    grid = (np.mgrid[-n : n + 1, -n : n + 1, -n : n + 1]) * spacing
    distance = np.sqrt(((grid - CENTRE[::-1, None, None, None]) ** 2).sum(axis=0))
    hu = np.clip(-300 + (RADIUS_MM - distance) * 100, -1000, 40)
    return Volume.axis_aligned(hu.astype(np.float32), (spacing,) * 3)


def view(primary_deg: float = 30.0) -> XRayGeometry:
    rotation = nominal_rotation(primary_deg, 10.0)
    return pinhole(rotation, np.array([10.0, -6.0, 700.0]) - rotation @ CENTRE, 64, 200.0, 700.0)


@pytest.mark.parametrize("stride", [1, 4])
def test_points_of_a_ball(stride: int) -> None:
    geometry = view()
    points, valid = scene_points(ball(), geometry, stride)
    side = 64 // stride
    assert points.shape == (2, side, side, 3)
    radii = np.linalg.norm(points[valid] - CENTRE, axis=1)
    np.testing.assert_allclose(radii, RADIUS_MM, atol=0.15)
    assert (geometry.depth_mm(points[0][valid[0]]) < geometry.depth_mm(points[1][valid[0]])).all()
    grid = np.stack(np.meshgrid(*[np.arange(side) * stride + (stride - 1) / 2] * 2), axis=-1)
    for sheet, there in zip(points, valid, strict=True):
        np.testing.assert_allclose(geometry.project(sheet[there]), grid[there], atol=1e-4)
    # The disc that a ball shows: its silhouette's radius at the depth of the centre.
    shown = np.pi * (RADIUS_MM / np.sqrt(1 - (RADIUS_MM / 700) ** 2)) ** 2 / (200.0 / 64 * stride) ** 2
    assert valid[0].sum() == pytest.approx(shown, rel=0.04)
    np.testing.assert_array_equal(valid[0], valid[1])


def test_a_source_inside_the_volume_has_an_exit_only_where_the_ray_leaves() -> None:
    rotation = nominal_rotation(0.0, 0.0)
    inside = pinhole(rotation, -rotation @ CENTRE, 16, 20.0, 100.0)
    points, valid = scene_points(ball(), inside)
    assert not valid[0].any()
    assert valid[1].all()
    np.testing.assert_allclose(np.linalg.norm(points[1] - CENTRE, axis=-1), RADIUS_MM, atol=0.15)


def test_rays_past_the_body_have_no_points() -> None:
    rotation = nominal_rotation(0.0, 0.0)
    aside = pinhole(rotation, np.array([400.0, 0, 700.0]) - rotation @ CENTRE, 16, 100.0, 700.0)
    points, valid = scene_points(ball(), aside)
    assert not valid.any()
    assert not points.any()


def test_the_cut_end_of_a_scan_is_no_surface(torso: Volume) -> None:
    """Along the body, rays enter through the upper cut end and leave through the lower one."""
    anatomy = anatomy_of(torso, 64, "cpu")
    middle = anatomy.middle_ras_mm
    rotation = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
    downwards = pinhole(rotation, np.array([0, 0, 900.0]) - rotation @ middle, 16, 15.0, 900.0)
    assert not scene_points(anatomy.surface, downwards)[1].any()
    rotation = nominal_rotation(0.0, 0.0)
    frontal = pinhole(rotation, np.array([0, 0, 900.0]) - rotation @ middle, 16, 60.0, 900.0)
    points, valid = scene_points(anatomy.surface, frontal)
    assert valid.all()
    thickness = np.linalg.norm(points[1] - points[0], axis=-1)
    assert 120 < thickness.min() < thickness.max() < 400


def test_lungs_are_inside_of_the_body(torso: Volume) -> None:
    """Air within the body does not count as outside of it."""
    surface = anatomy_of(torso, 64, "cpu").surface
    middle = tuple(n // 2 for n in surface.voxels.shape)
    assert torso.voxels.min() < -900
    section = surface.voxels[middle[0], middle[1]]
    inside = np.flatnonzero(section > -300)
    assert (section[inside[0] : inside[-1] + 1] > -300).all()
