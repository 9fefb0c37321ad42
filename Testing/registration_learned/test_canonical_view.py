"""What the networks see does not depend on the detector, the reading direction, gain or offset of a film."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from XRayLib.canonical_view.camera_frame import world_to_camera
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.canonical_view.window import CanonicalView, canonical_view, is_left_handed
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry, to_camera
from XRayLib.projector import project
from XRayLib.radiograph import Radiograph

WINDOW_MM, SIDE = 300.0, 64


@pytest.fixture(scope="module")
def blobs() -> Volume:
    """Soft spots of several sizes: smooth, so that resampling hardly changes their projection."""
    k, j, i = (np.mgrid[-30:30, -30:30, -30:30] + 0.5) * 5.0
    hu = np.full(k.shape, -1000.0)
    for centre, width, height in (((60, 20, -30), 40, 900), ((-50, -40, 40), 30, 1200), ((0, 50, 70), 25, 1500)):
        r2 = (i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (k - centre[2]) ** 2
        hu += height * np.exp(-r2 / (2 * width**2))
    return Volume.axis_aligned(hu.astype(np.float32), (5.0, 5.0, 5.0))


def film(ct: Volume, size_px: tuple[int, int] = (200, 200), spacing: float = 2.2, **changes: bool) -> Radiograph:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=25.0,
        secondary_angle_deg=10.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=size_px,
        pixel_spacing_mm=(spacing, spacing),
    ).with_axes(**changes)
    mu = Volume(attenuation_from_hu(ct.voxels), ct.ijk_to_ras, "mu_per_mm")
    return Radiograph(project(mu, [geometry], device="cpu")[0], geometry, calibrated=True)


def seen(radiograph: Radiograph) -> CanonicalView:
    return canonical_view(radiograph, WINDOW_MM, SIDE)


@pytest.mark.parametrize("changes", [{"flip_columns": True}, {"flip_rows": True, "flip_columns": True}])
def test_mirrored_films_of_one_view_look_alike(blobs: Volume, changes: dict[str, bool]) -> None:
    plain, mirrored = seen(film(blobs)), seen(film(blobs, **changes))
    turned = mirrored.contrasts[:, ::-1, ::-1] if "flip_rows" in changes else mirrored.contrasts
    np.testing.assert_allclose(turned, plain.contrasts, atol=0.02)


@pytest.mark.parametrize(("size_px", "spacing"), [((800, 800), 0.55), ((100, 100), 4.4), ((230, 210), 2.2)])
def test_other_detectors_show_the_same_window(blobs: Volume, size_px: tuple[int, int], spacing: float) -> None:
    plain, other = seen(film(blobs)), seen(film(blobs, size_px, spacing))
    assert np.abs(other.contrasts - plain.contrasts).mean() < 0.03
    corners = np.array([[100.0, 50, 80], [-80, 90, -60], [0, 0, 0]])
    np.testing.assert_allclose(other.geometry.project(corners), plain.geometry.project(corners), atol=1e-6)


def test_the_canonical_geometry_shows_what_the_canonical_image_shows(blobs: Volume) -> None:
    """Projecting the volume in the canonical geometry gives the resampled film, for a left-handed film as well."""
    for radiograph in (film(blobs), film(blobs, flip_columns=True), film(blobs, transpose=True)):
        view = seen(radiograph)
        mu = Volume(attenuation_from_hu(blobs.voxels), blobs.ijk_to_ras, "mu_per_mm")
        direct = project(mu, [view.geometry], device="cpu")[0]
        expected = two_contrasts(direct, np.ones(direct.shape, bool))
        assert np.corrcoef(expected[0].ravel(), view.contrasts[0].ravel())[0, 1] > 0.9995


def test_the_canonical_camera_is_an_ordinary_pinhole(blobs: Volume) -> None:
    radiograph = film(blobs)
    assert is_left_handed(radiograph.geometry)
    view = seen(radiograph)
    camera, to_cam = world_to_camera(view.geometry)
    assert np.linalg.det(to_cam[:3, :3]) == pytest.approx(1)
    assert camera[0, 0] > 0
    assert camera[1, 1] > 0
    assert camera[0, 0] == pytest.approx(700.0 * SIDE / WINDOW_MM)
    points = np.array([[10.0, 20, 30], [-70, 5, 60]])
    in_camera = points @ to_cam[:3, :3].T + to_cam[:3, 3]
    pixels = in_camera @ camera.T
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], view.geometry.project(points), atol=1e-9)
    np.testing.assert_allclose(to_camera(view.geometry)[0], camera)


def test_gain_and_offset_do_not_count(blobs: Volume) -> None:
    radiograph = film(blobs)
    brighter = dataclasses.replace(radiograph, line_integral=radiograph.line_integral * 37.0 + 5.0)
    np.testing.assert_allclose(seen(brighter).contrasts, seen(radiograph).contrasts, atol=2e-3)


def test_what_the_mask_hides_is_not_seen(blobs: Volume) -> None:
    radiograph = film(blobs)
    mask = np.ones(radiograph.line_integral.shape, bool)
    mask[:, :80] = False
    spoiled = np.where(mask, radiograph.line_integral, 50.0)
    hidden = [
        seen(dataclasses.replace(radiograph, line_integral=x, mask=mask)) for x in (spoiled, radiograph.line_integral)
    ]
    unknown = hidden[0].contrasts[0] == 0
    assert 0.2 < unknown.mean() < 0.6
    np.testing.assert_allclose(hidden[0].contrasts, hidden[1].contrasts, atol=0.02)


@pytest.mark.parametrize("image", [np.zeros((32, 32), np.float32), np.full((32, 32), 7.5, np.float32)])
def test_an_empty_film_is_zero_not_noise(image: np.ndarray) -> None:
    assert not two_contrasts(image, np.ones(image.shape, bool)).any()


def test_nothing_known_is_zero() -> None:
    image = np.random.default_rng(0).random((32, 32), np.float32)
    assert not two_contrasts(image, np.zeros(image.shape, bool)).any()
