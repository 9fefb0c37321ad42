"""What X-rays leave open: against the exact answer of a small problem, and what more X-rays change."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph
from XRayLib.tomography import undetermined as module
from XRayLib.tomography.undetermined import QUANTITY, undetermined


def a_film(angle_deg: float) -> Radiograph:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=angle_deg,
        secondary_angle_deg=0.0,
        source_to_detector_mm=1500.0,
        source_to_isocenter_mm=1100.0,
        size_px=(40, 40),
        pixel_spacing_mm=(13.0, 13.0),
    )
    image = np.random.default_rng(0).random((40, 40), dtype=np.float32)
    return Radiograph(image, geometry, calibrated=True)


def a_body() -> Volume:
    _, y, x = np.mgrid[:10, :20, :20]
    inside = ((x - 9.5) / 8.5) ** 2 + ((y - 9.5) / 6.5) ** 2 < 1
    return Volume.axis_aligned(np.where(inside, 0, -1000).astype(np.float32), (15.0, 15.0, 15.0))


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setattr(module, "VOXELS_ALONG_THE_LONGEST_SIDE", 10)


def exactly(volume: Volume, films: list[Radiograph]) -> np.ndarray:
    """1 - diag(S M S') / diag(S S') with every matrix written out."""
    from scipy import ndimage
    from XRayLib.tomography import ProjectionSystem, crossing_lengthwise, films_at

    body, grid, spacing = module._coarse_body(volume)
    coarse_films = films_at(films, spacing / module.PIXELS_PER_VOXEL)
    root = np.sqrt(coarse_films.weights * crossing_lengthwise(grid, coarse_films))
    system = ProjectionSystem(grid, coarse_films)
    units = np.eye(body.size, dtype=np.float32).reshape(-1, *body.shape)
    scale = module.CHANGE_DEVIATION_PER_MM * (2 * np.sqrt(np.pi) * module.CHANGE_SIGMA_VOXELS) ** 1.5
    shapes = [scale * body * ndimage.gaussian_filter(u, module.CHANGE_SIGMA_VOXELS, mode="constant") for u in units]
    s = np.stack([shape.ravel() for shape in shapes], axis=1).astype(float)
    a = np.stack([(root * system.forward(np.float32(shape))).ravel() for shape in shapes], axis=1).astype(float)
    b = a.T @ a
    m = np.linalg.solve(b + module.FILM_DEVIATION**2 * np.eye(len(b)), b)
    explained, variance = np.einsum("vw,wu,vu->v", s, m, s), (s**2).sum(axis=1)
    return np.where(body, 1 - (explained / np.maximum(variance, 1e-12)).reshape(body.shape), 0)


def test_it_is_the_diagonal_of_the_resolution_matrix(monkeypatch) -> None:
    monkeypatch.setattr(module, "PROBES", 80)
    monkeypatch.setattr(module, "STEPS", 60)
    monkeypatch.setattr(module, "NEIGHBOURHOOD_VOXELS", 0.0)
    volume, films = a_body(), [a_film(0.0), a_film(90.0)]
    found, exact = undetermined(volume, films), exactly(volume, films)
    body = exact > 0
    assert np.abs(found.volume.voxels - exact)[body].mean() < 0.05
    assert found.mean == pytest.approx(float(exact[body].mean()), abs=0.02)


def test_every_further_x_ray_leaves_less_open_and_one_leaves_most() -> None:
    means = [undetermined(a_body(), [a_film(a) for a in angles]).mean for angles in ((0,), (0, 90), range(0, 180, 15))]
    assert means[0] > means[1] + 0.05 > means[2] + 0.1
    assert means[0] > 0.2
    assert means[2] < 0.5 * means[1]


def test_the_same_x_ray_twice_tells_hardly_more_than_once() -> None:
    once, twice, other = (
        undetermined(a_body(), [a_film(a) for a in angles]).mean for angles in ((0,), (0, 0), (0, 90))
    )
    assert once - twice < 0.3 * (once - other)


def test_the_volume_lies_over_the_body_in_shares_and_the_words_say_how_much() -> None:
    found = undetermined(a_body(), [a_film(0.0)])
    voxels = found.volume.voxels
    assert found.volume.quantity == QUANTITY
    assert 0 <= voxels.min() <= voxels.max() <= 1
    assert not voxels[:, 0, 0].any()
    np.testing.assert_allclose(found.volume.center_ras_mm, a_body().center_ras_mm, atol=1e-6)
    assert f"{100 * found.mean:.0f} %" in found.statement
    assert f"{found.size_mm:.0f} mm" in found.statement
    assert "not what was measured" in found.statement


def test_it_does_not_depend_on_hu_inside_the_body_and_repeats() -> None:
    volume = a_body()
    denser = Volume(np.where(volume.voxels > -500, 300, -1000), volume.ijk_to_ras)
    first, second, again = (undetermined(v, [a_film(0.0)]).volume.voxels for v in (volume, denser, volume))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, again)


def test_without_films_or_body_it_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="Add the X-rays"):
        undetermined(a_body(), [])
    air = Volume(np.full((10, 10, 10), -1000, np.float32), np.diag([15.0, 15.0, 15.0, 1.0]))
    with pytest.raises(InputError, match="holds no body"):
        undetermined(air, [a_film(0.0)])


def test_the_report_shows_it_or_says_why_not(tmp_path) -> None:
    from XRayLib.case import Result, View
    from XRayLib.report import write_volume_report

    film = a_film(0.0)
    views = (View(film, film.line_integral, (1.0, 0.0), 0.5),)
    shown = write_volume_report(Result("test", a_body(), views=views), tmp_path / "body").read_text()
    assert "What cannot be known" in shown
    assert undetermined(a_body(), [film]).statement in shown
    air = Volume(np.full((10, 10, 10), -1000, np.float32), np.diag([15.0, 15.0, 15.0, 1.0]))
    without = write_volume_report(Result("test", air, views=views), tmp_path / "air").read_text()
    assert "What cannot be known" not in without
    assert "could not be found: The volume holds no body" in without
