"""The parts of the classical methods: adjoints, conjugate gradients, total variation, films, filter, box."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from phantom_films import film_of, torso, view
from X2CTReconLib.classical.box import box_of, seen_by
from X2CTReconLib.classical.feldkamp import feldkamp, half_turn_shares, rotation_axis
from XRayLib.ct import Volume
from XRayLib.projector import project
from XRayLib.tomography import (
    ProjectionSystem,
    damped_least_squares,
    differences,
    differences_adjoint,
    films_at,
    total_variation_denoised,
)


def dot(a: np.ndarray, b: np.ndarray) -> float:
    return float((a.astype(np.float64) * b).sum())


def test_the_system_s_adjoint_is_exact() -> None:
    random = np.random.default_rng(0)
    films = films_at([film_of(torso(), view(angle)) for angle in (20.0, 100.0)], 15.0)
    grid = Volume.axis_aligned(np.zeros((14, 12, 13), np.float32), (25.0, 22.0, 28.0), (3.0, -5.0, 2.0), "mu_per_mm")
    system = ProjectionSystem(grid, films, "cpu")
    voxels = random.random(system.shape, dtype=np.float32)
    images = random.random(films.images.shape, dtype=np.float32)
    assert dot(system.forward(voxels), images) == pytest.approx(dot(voxels, system.adjoint(images)), rel=1e-5)
    one = images[1:]
    assert dot(system.forward(voxels, 1), one) == pytest.approx(dot(voxels, system.adjoint(one, 1)), rel=1e-5)


def test_differences_and_their_adjoint() -> None:
    random = np.random.default_rng(1)
    voxels, slopes = random.random((5, 6, 4), dtype=np.float32), random.random((3, 5, 6, 4), dtype=np.float32)
    assert dot(differences(voxels), slopes) == pytest.approx(dot(voxels, differences_adjoint(slopes)), rel=1e-5)
    assert not differences(np.full((3, 4, 5), 7, np.float32)).any()


def test_conjugate_gradients_solve_damped_least_squares() -> None:
    random = np.random.default_rng(2)
    matrix, data = random.random((12, 7)).astype(np.float32), random.random(12).astype(np.float32)
    found, steps = damped_least_squares(lambda q: matrix @ q, lambda r: matrix.T @ r, data, steps=40, damping=0.3)
    wanted = np.linalg.solve(matrix.T @ matrix + 0.3 * np.eye(7), matrix.T @ data)
    np.testing.assert_allclose(found, wanted, atol=2e-4)
    assert steps <= 40
    nothing, steps = damped_least_squares(lambda q: q, lambda r: r, data, steps=5, finished=lambda _r: True)
    assert steps == 0
    assert not nothing.any()


def test_denoising_keeps_edges_and_the_mean() -> None:
    random = np.random.default_rng(3)
    clean = np.zeros((16, 16, 16), np.float32)
    clean[:, :, 8:] = 1
    noisy = clean + 0.1 * random.standard_normal(clean.shape).astype(np.float32)
    smooth = total_variation_denoised(noisy, 0.1, 30)
    assert np.abs(smooth - clean).mean() < 0.35 * np.abs(noisy - clean).mean()
    assert smooth.mean() == pytest.approx(noisy.mean(), abs=1e-5)


def test_films_are_averaged_with_their_masks_and_their_noise_is_known() -> None:
    film = film_of(torso(), view(0.0, size_px=(288, 288)))
    random = np.random.default_rng(4)
    noisy = replace(
        film, line_integral=film.line_integral + 0.05 * random.standard_normal((288, 288)).astype(np.float32)
    )
    films = films_at([noisy], 0.1)
    assert films.images.shape == (1, 288, 288)
    assert films.noise()[0] == pytest.approx(0.05, rel=0.15)
    mask = np.ones((288, 288), bool)
    mask[:, :144] = False
    spoilt = np.where(mask, film.line_integral, 99)
    coarse = films_at([replace(film, line_integral=spoilt, mask=mask)], 20.0)
    columns = coarse.images.shape[2]
    assert not coarse.weights[0, :, : columns // 2].any()
    assert coarse.images.max() <= film.line_integral.max() + 1e-4


def test_the_box_is_what_all_films_see_of_the_body() -> None:
    views = [view(0.0), view(90.0)]
    grid = box_of(views, (440.0, 320.0, 440.0), 10.0)
    sizes = np.array(grid.voxels.shape[::-1]) * grid.spacing_mm
    assert (sizes <= np.array([480.0, 360.0, 480.0])).all()
    narrow = box_of([view(0.0).cropped(20, 0, (30, 72)), view(90.0)], (440.0, 320.0, 440.0), 10.0)
    assert narrow.voxels.shape[2] * 10.0 < 0.7 * sizes[0]
    assert seen_by(views[0], np.array([[0.0, 0.0, -10.0], [900.0, 0.0, 0.0], [0.0, -2000.0, 0.0]])).tolist() == [
        *(True, False, False)
    ]


def test_shares_of_the_half_turn() -> None:
    normals = [view(angle).detector_normal for angle in (0.0, 90.0, 180.0)]
    axis = rotation_axis(normals)
    assert abs(axis[2]) == pytest.approx(1.0)
    assert half_turn_shares(normals, axis).sum() == pytest.approx(np.pi)
    assert half_turn_shares(normals[:2], axis) == pytest.approx([np.pi / 2] * 2)
    assert half_turn_shares([normals[1]], rotation_axis([normals[1]])) == pytest.approx([np.pi])


def test_many_views_back_project_to_the_true_attenuation() -> None:
    grid = Volume.axis_aligned(np.zeros((20, 32, 32), np.float32), (8.0, 8.0, 8.0), (0.0, 0.0, -10.0), "mu_per_mm")
    k, j, i = np.indices(grid.voxels.shape)
    radius = np.sqrt((i - 15.5) ** 2 + (j - 15.5) ** 2 + (k - 9.5) ** 2)
    ball = replace(grid, voxels=(0.02 * np.clip(7.5 - radius, 0, 1)).astype(np.float32))
    views = [view(angle, size_px=(90, 90)) for angle in np.arange(0, 360, 4.0)]
    found = feldkamp(project(ball, views, device="cpu"), views, grid, lambda _fraction, _stage: None)
    assert found[radius < 5].mean() == pytest.approx(0.02, rel=0.05)
    assert abs(found[radius > 10].mean()) < 0.001
