"""What the lifting network is told: films through the isocentre, and where they show every voxel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_lifting import c_arm, shot
from X2CTReconLib.lifted_views import FULL_LINE_INTEGRAL, LiftingCube, film_channels
from XRayLib.ct import Volume
from XRayLib.errors import InputError

CENTER = np.array([10.0, -20.0, 30.0])
ANGLES = [(0, 0), (90, 0), (40, 15), (180, 0), (-120, -20)]


def blob(k: int, j: int, i: int) -> Volume:
    """One dense voxel of a 64^3 grid of 416 mm."""
    mu = np.zeros((64, 64, 64), np.float32)
    mu[k, j, i] = 1.0
    return Volume.axis_aligned(mu, (6.5,) * 3, tuple(CENTER), "mu_per_mm")


@pytest.mark.parametrize(("primary", "secondary"), ANGLES)
def test_a_voxel_is_sampled_where_its_shadow_falls(primary, secondary):
    cube, voxel = LiftingCube(CENTER), (40, 20, 50)
    radiograph = shot(blob(*voxel), c_arm(primary, secondary))
    film = cube.film(radiograph)
    found = cube.tensors([film], [radiograph.geometry.source_ras_mm])
    column, row = ((found.projections[0][:, *voxel] + 1) * cube.film_px - 1) / 2
    shadow = film[0] / film[0].sum()
    rows, columns = np.mgrid[: cube.film_px, : cube.film_px]
    assert (shadow * rows).sum() == pytest.approx(row, abs=0.15)
    assert (shadow * columns).sum() == pytest.approx(column, abs=0.15)


def test_the_frontal_film_is_read_as_films_are():
    film = LiftingCube(CENTER).film_geometry(CENTER - [0, 1000.0, 0])
    np.testing.assert_allclose(film.column_direction, [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(film.row_direction, [0, 0, -1], atol=1e-12)
    steep = LiftingCube(CENTER).film_geometry(CENTER + np.array([0, 0, 1000.0]))
    np.testing.assert_allclose(steep.row_direction, [0, -1, 0], atol=1e-12)


def test_detectors_of_any_size_and_distance_show_the_same_film():
    cube = LiftingCube(CENTER)
    mu = np.zeros((64, 64, 64), np.float32)
    mu[26:40, 20:30, 34:44] = 0.02
    volume = Volume.axis_aligned(mu, (6.5,) * 3, tuple(CENTER), "mu_per_mm")
    near = c_arm(20.0)
    scaled = np.diag([1.5, 1.5, 1.0]) @ near.ras_to_pixel
    far = dataclasses.replace(near, ras_to_pixel=scaled, size_px=(320, 320), source_to_detector_mm=1530.0)
    one, other = (cube.film(shot(volume, geometry))[0] for geometry in (near, far))
    assert one.max() > 0.2
    assert np.abs(one - other).mean() < 0.02 * one.mean()


def test_rays_say_depth_direction_magnification_and_length():
    cube = LiftingCube(CENTER, 416.0, 64)
    source = CENTER - [0, 1000.0, 0]
    rays = cube.tensors([np.zeros((3, 128, 128), np.float32)], [source]).rays[0]
    anterior, posterior = rays[:, 16, 31, 16], rays[:, 16, 0, 16]
    voxel = 416.0 / 32
    assert anterior[0] == pytest.approx((208 - voxel / 2) / 208)
    assert posterior[0] == pytest.approx(-anterior[0])
    assert anterior[2] == pytest.approx(1.0, abs=1e-3)
    assert anterior[4] < 0 < posterior[4]
    assert posterior[4] == pytest.approx(1000 / (1000 - 208 + voxel / 2) - 1, rel=1e-4)
    assert anterior[5] == pytest.approx(1.0, abs=1e-3)
    assert rays[5].max() < 1.2


def test_calibrated_films_are_absolute_and_others_forget_their_gain():
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 5, (32, 32)).astype(np.float32)
    seen = np.ones((32, 32), bool)
    seen[:, :4] = False
    absolute = film_channels(image, seen, calibrated=True)
    np.testing.assert_allclose(absolute[0][:, 4:], image[:, 4:] / FULL_LINE_INTEGRAL)
    assert (absolute[0][:, :4] == 0).all()
    assert (absolute[2] == 1).all()
    relative, other = (film_channels(g * image + o, seen, calibrated=False) for g, o in ((1.0, 0.0), (7.0, 3.0)))
    np.testing.assert_allclose(relative, other, atol=1e-4)
    assert (relative[2] == 0).all()


def test_a_source_inside_of_the_imaged_region_is_refused():
    radiograph = shot(blob(30, 30, 30), c_arm(0.0))
    inside = LiftingCube(radiograph.geometry.source_ras_mm + np.array([0, 200.0, 0]))
    with pytest.raises(InputError, match="source lies inside"):
        inside.film(radiograph)
