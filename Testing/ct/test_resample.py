"""Resampling keeps positions and does not alias."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume, resample, resample_isotropic


def _ramp(matrix: np.ndarray, shape: tuple[int, int, int]) -> Volume:
    """A volume whose value is a linear function of the RAS position."""
    k, j, i = np.indices(shape, dtype=float)
    ras = np.stack([i, j, k, np.ones(shape)], axis=-1) @ matrix.T
    return Volume((ras @ (1.0, 2.0, 3.0, 0.0)).astype(np.float32), matrix)


def test_linear_values_are_kept_on_an_oblique_grid() -> None:
    source = _ramp(np.diag([1.0, 1.5, 2.0, 1.0]), (20, 24, 30))
    turn = np.deg2rad(20)
    target = np.eye(4)
    target[:3, :3] = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    target[:3, 3] = (12, 12, 12)
    result = resample(source, (6, 6, 6), target, antialias=False)
    np.testing.assert_allclose(result.voxels, _ramp(target, (6, 6, 6)).voxels, atol=1e-3)


def test_sheared_source_axes_are_understood() -> None:
    sheared = np.eye(4)
    sheared[1, 2] = 0.4
    target = np.eye(4)
    target[:3, 3] = (3, 8, 3)
    result = resample(_ramp(sheared, (12, 20, 12)), (4, 4, 4), target)
    np.testing.assert_allclose(result.voxels, _ramp(target, (4, 4, 4)).voxels, atol=1e-3)


def test_outside_is_air_for_hu_and_nothing_for_attenuation() -> None:
    far = np.eye(4)
    far[:3, 3] = 100
    for quantity, outside in (("HU", -1000), ("mu_per_mm", 0)):
        volume = Volume(np.ones((3, 3, 3), np.float32), np.eye(4), quantity)
        assert (resample(volume, (2, 2, 2), far).voxels == outside).all()


def test_a_coarser_grid_averages_instead_of_picking() -> None:
    rng = np.random.default_rng(0)
    noise = Volume(rng.normal(size=(60, 60, 60)).astype(np.float32), np.eye(4), "mu_per_mm")
    coarse = np.diag([4.0, 4.0, 4.0, 1.0])
    assert resample(noise, (15, 15, 15), coarse, antialias=False).voxels.std() > 0.9
    assert resample(noise, (15, 15, 15), coarse).voxels.std() < 0.2


def test_labels_stay_labels() -> None:
    labels = Volume(np.arange(64, dtype=np.float32).reshape(4, 4, 4), np.eye(4), "label")
    result = resample(labels, (2, 2, 2), np.diag([1.7, 1.7, 1.7, 1.0]))
    assert result.quantity == "label"
    assert set(result.voxels.ravel()) <= set(labels.voxels.ravel())


def test_isotropic_grid_holds_the_volume_and_keeps_its_middle() -> None:
    volume = Volume.axis_aligned(np.zeros((10, 20, 31), np.float32), (1.0, 1.5, 2.5), (5.0, 6.0, 7.0))
    result = resample_isotropic(volume, 2.0)
    np.testing.assert_allclose(result.center_ras_mm, (5, 6, 7), atol=1e-9)
    assert result.spacing_mm == (2.0, 2.0, 2.0)
    assert result.voxels.shape == (13, 16, 16)


@pytest.mark.parametrize("spacing_mm", [1.0, 1.7, 2.5, 3.3, 4.0])
@pytest.mark.parametrize("slices", [9, 10, 11, 14])
def test_isotropic_grid_holds_no_gap_at_the_ends(spacing_mm: float, slices: int) -> None:
    volume = Volume.axis_aligned(np.full((slices, 12, 13), 40, np.float32), (0.8, 0.8, 1.25), (0.0, 0.0, 0.0))
    assert resample_isotropic(volume, spacing_mm).voxels == pytest.approx(40, abs=1e-3)


def test_isotropic_grid_around_an_oblique_volume_holds_air_in_its_corners() -> None:
    turn = np.deg2rad(30)
    oblique = np.eye(4)
    oblique[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    result = resample_isotropic(Volume(np.full((20, 40, 40), 40, np.float32), oblique), 2.0).voxels
    assert (result[:, [0, 0, -1, -1], [0, -1, 0, -1]] == -1000).all()
    assert result[5, 13, 13] == pytest.approx(40, abs=1e-3)
    filled = (result > -500).sum() * 2.0**3
    assert 20 * 40 * 40 <= filled <= 22 * 42 * 42
