"""The canonical cube: where points fall on its films, which way up the volume is, and how films are normalised."""

from __future__ import annotations

import numpy as np
import pytest
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube, role_of
from X2CTReconLib.canonical_intensity import normalised
from X2CTReconLib.x2ct_views import network_films, roles_of
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, assumed_film_geometry
from XRayLib.radiograph import Radiograph

CUBE = CanonicalCube(np.array([5.0, -20.0, 30.0]), 320.0, 32)


def c_arm(primary, secondary=0.0, distance=700.0, center=CUBE.center_ras_mm, size=160):
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=distance,
        size_px=(size, size),
        pixel_spacing_mm=(4.0, 4.0),
        isocenter_ras_mm=center,
    )


def blob_film(geometry, point_ras_mm):
    """A film with a bright blob where the point projects."""
    column, row = geometry.project(point_ras_mm)[0]
    rows, columns = np.mgrid[: geometry.size_px[1], : geometry.size_px[0]]
    image = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 2.5**2))
    return Radiograph(image.astype(np.float32), geometry)


@pytest.mark.parametrize("primary", [0, 180, 12, -15])
@pytest.mark.parametrize("distance", [600.0, 900.0])
def test_a_point_of_the_frontal_plane_lands_at_its_place_whatever_the_source(primary, distance):
    """41 mm to the left and 52 mm down from the centre: also for AP, oblique and near sources."""
    point = CUBE.center_ras_mm + np.array([-41.0, 0.0, -52.0])
    image, seen = CUBE.film(blob_film(c_arm(primary, 4.0, distance), point), FRONTAL)
    row, column = np.unravel_index(image.argmax(), image.shape)
    assert seen.all()
    assert column * CUBE.spacing_mm == pytest.approx(15.5 * CUBE.spacing_mm + 41.0, abs=0.6 * CUBE.spacing_mm)
    assert row * CUBE.spacing_mm == pytest.approx(15.5 * CUBE.spacing_mm + 52.0, abs=0.6 * CUBE.spacing_mm)


@pytest.mark.parametrize("primary", [90, -90, 80])
def test_left_and_right_laterals_have_the_back_at_the_right(primary):
    point = CUBE.center_ras_mm + np.array([0.0, -60.0, 30.0])
    image, _ = CUBE.film(blob_film(c_arm(primary), point), LATERAL)
    row, column = np.unravel_index(image.argmax(), image.shape)
    assert column == pytest.approx(15.5 + 6.0, abs=0.6)
    assert row == pytest.approx(15.5 - 3.0, abs=0.6)


def test_the_film_geometry_of_a_source_agrees_with_the_film_points():
    for role, source in (
        (FRONTAL, [30.0, -900.0, 80.0]),
        (FRONTAL, [0.0, 800.0, 30.0]),
        (LATERAL, [-700.0, -20.0, 0.0]),
    ):
        pixels = CUBE.film_geometry(role, np.array(source)).project(CUBE.film_points(role).reshape(-1, 3))
        rows, columns = np.mgrid[:32, :32]
        np.testing.assert_allclose(pixels, np.stack([columns.ravel(), rows.ravel()], 1), atol=1e-6)


def test_what_lies_beyond_the_detector_is_not_seen():
    image, seen = CUBE.film(blob_film(c_arm(0, size=40), CUBE.center_ras_mm), FRONTAL)
    assert 0.05 < seen.mean() < 0.4
    assert (image[~seen] == 0).all()


def test_network_voxels_come_out_along_ras():
    voxels = np.zeros((32, 32, 32), np.float32)
    voxels[4, 9, 20] = 1.0  # inferior 4, posterior 9, left 20
    volume = CUBE.volume(voxels)
    k, j, i = np.unravel_index(volume.voxels.argmax(), volume.voxels.shape)
    ras = (volume.ijk_to_ras @ [i, j, k, 1])[:3]
    expected = CUBE.center_ras_mm - (np.array([20, 9, 4]) - 15.5) * CUBE.spacing_mm
    np.testing.assert_allclose(ras, expected)


@pytest.mark.parametrize(("primary", "secondary", "role", "angle"), [(0, 0, FRONTAL, 0), (180, 0, FRONTAL, 0),
                                                                     (-90, 0, LATERAL, 0), (80, 0, LATERAL, 10),
                                                                     (0, 20, FRONTAL, 20)])  # fmt: skip
def test_roles_follow_the_beam(primary, secondary, role, angle):
    found, off = role_of(c_arm(primary, secondary))
    assert found == role
    assert off == pytest.approx(angle, abs=1e-6)


def film(geometry):
    return Radiograph(np.zeros(geometry.size_px[::-1], np.float32), geometry)


def test_the_order_of_the_views_does_not_matter():
    lateral, frontal = film(c_arm(92)), film(c_arm(-3))
    for views in ((lateral, frontal), (frontal, lateral)):
        assert roles_of(views, (FRONTAL, LATERAL)) == {FRONTAL: frontal, LATERAL: lateral}


@pytest.mark.parametrize(
    ("angles", "wanted", "words"),
    [((45, 135), (FRONTAL, LATERAL), "45 degrees"), ((0, 180), (FRONTAL, LATERAL), "Both views are frontal"),
     ((90,), (FRONTAL,), "frontal view"), ((0, 60), (FRONTAL, LATERAL), "30 degrees")],
)  # fmt: skip
def test_views_that_do_not_fit_are_refused_with_a_reason(angles, wanted, words):
    with pytest.raises(InputError, match=words):
        roles_of([film(c_arm(a)) for a in angles], wanted)


def test_gain_offset_and_display_curve_hardly_change_the_normalised_film():
    image = np.zeros((64, 64), np.float32)
    image[:, 20:] = np.random.default_rng(0).uniform(1.5, 5.0, (64, 44))
    seen = np.ones(image.shape, bool)
    reference = normalised(image, seen)
    assert reference.min() == 0
    assert reference.max() == 1
    np.testing.assert_allclose(normalised(40 * image + 300, seen), reference, atol=1e-3)
    curved = image**1.6 / (image**1.6).max() - image / image.max()
    assert np.abs(normalised(image**1.6, seen) - reference).mean() < 0.2 * np.abs(curved).mean()


def test_a_blank_or_hidden_film_is_black():
    assert not normalised(np.full((8, 8), 3.0, np.float32), np.ones((8, 8), bool)).any()
    assert not normalised(np.ones((8, 8), np.float32), np.zeros((8, 8), bool)).any()


def test_a_film_of_assumed_geometry_fills_the_cube_around_the_origin():
    geometry = assumed_film_geometry("PA", (350, 430))
    cube, films, warnings = network_films({FRONTAL: blob_film(geometry, [0.0, 0.0, 0.0])}, np.zeros(3), 320.0, 32)
    np.testing.assert_allclose(cube.center_ras_mm, 0.0, atol=1e-9)
    assert films[FRONTAL].shape == (32, 32)
    assert warnings == ("The frontal X-ray looks unlike a chest, all that the method knows: do not trust the volume.",)
