"""Volume metrics on cases whose answer is known in closed form, and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest

from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.metrics import evaluate_volume
from XRayLib.metrics.intensity import psnr_3d
from XRayLib.metrics.legacy import legacy_psnr, legacy_ssim
from XRayLib.metrics.overlap import dice, mean_surface_distance_mm
from XRayLib.metrics.structure import ssim_3d


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    reference = rng.uniform(-1000, 1400, (20, 22, 24)).astype(np.float32)
    return reference, (reference + rng.normal(0, 80, reference.shape)).astype(np.float32)


def a_chest(shift_mm: float = 0.0) -> Volume:
    """A water box with an air cavity and a bone rod in air, 2 mm voxels."""
    voxels = np.full((40, 60, 60), -1000, np.float32)
    voxels[:, 10:50, 10:50] = 0
    voxels[5:35, 20:40, 15:28] = -900
    voxels[:, 42:46, 28:32] = 700
    return Volume.axis_aligned(voxels, (2.0, 2.0, 2.0), (shift_mm, 0.0, 0.0))


def test_a_constant_error_has_the_known_psnr() -> None:
    zeros = np.zeros((8, 8, 8), np.float32)
    assert psnr_3d(zeros, zeros + 25) == pytest.approx(40.0)
    assert psnr_3d(zeros, zeros) == float("inf")


def test_values_outside_the_window_do_not_count() -> None:
    zeros = np.full((8, 8, 8), 2000, np.float32)
    assert psnr_3d(zeros, zeros + 500) == float("inf")


def test_the_legacy_psnr_is_429_db_too_high_and_rewards_equal_slices() -> None:
    zeros = np.zeros((8, 8, 8), np.float32)
    assert legacy_psnr(zeros, zeros + 25) == pytest.approx(40.0 + 20 * np.log10(4095 / 2500))
    half = zeros.copy()
    half[4:] += 25
    across = legacy_psnr(zeros, zeros + 25)
    along = across + 10 * np.log10(2)  # every slice across the other two axes is half wrong
    assert legacy_psnr(zeros, half) == pytest.approx(((across + 100) / 2 + 2 * along) / 3)


def test_ssim_equals_scikit_image(pair) -> None:
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    first, second = (np.clip(voxels, -1024, 1476) for voxels in pair)
    assert ssim_3d(*pair) == pytest.approx(structural_similarity(first, second, data_range=2500), abs=1e-6)
    expected = []
    for axis in range(3):
        a, b = ((np.moveaxis(voxels, axis, -1) + 1024.0) / 2500 for voxels in (first, second))
        expected.append(structural_similarity(a, b, data_range=1, channel_axis=-1))
    assert legacy_ssim(*pair) == pytest.approx(np.mean(expected), abs=1e-5)


def test_dice_of_shifted_boxes() -> None:
    first, second = np.zeros((4, 4, 8), bool), np.zeros((4, 4, 8), bool)
    first[..., :4] = second[..., 2:6] = True
    assert dice(first, second) == pytest.approx(0.5)
    assert np.isnan(dice(first & False, second & False))


def test_surface_distance_of_parallel_planes() -> None:
    """Two one-voxel sheets 3 voxels of 2 mm apart."""
    first, second = np.zeros((10, 6, 6), bool), np.zeros((10, 6, 6), bool)
    first[2], second[5] = True, True
    assert mean_surface_distance_mm(first, second, (2.0, 1.0, 1.0)) == pytest.approx(6.0)


def test_a_perfect_result_is_perfect_and_baselines_are_not() -> None:
    values = evaluate_volume(a_chest(), a_chest(), template=a_chest(6.0))
    assert values["result"]["psnr_3d"] == float("inf")
    assert values["result"]["dice_lung"] == values["result"]["dice_bone"] == 1.0
    assert values["coverage"] == 1.0
    baselines = values["baselines"]
    assert baselines["air"]["psnr_3d"] < baselines["water_body"]["psnr_3d"] < float("inf")
    assert baselines["air"]["mae_body_hu"] == pytest.approx(np.mean(np.abs(a_chest().voxels[:, 10:50, 10:50] + 1000)))
    assert 0.5 < baselines["template"]["dice_lung"] < 1.0


def test_place_counts_not_the_array() -> None:
    """The same voxels 6 mm aside are a worse result; on another grid at the right place a good one."""
    aside = evaluate_volume(a_chest(), a_chest(6.0))
    assert aside["result"]["psnr_3d"] < 25
    other_grid = a_chest()
    half = Volume(other_grid.voxels[:, :, :30], other_grid.ijk_to_ras)
    values = evaluate_volume(a_chest(), half)
    assert values["coverage"] == pytest.approx(0.5, abs=0.02)


def test_a_reference_without_a_body_is_refused() -> None:
    air = Volume.axis_aligned(np.full((10, 10, 10), -1000, np.float32), (3.0, 3.0, 3.0))
    with pytest.raises(InputError, match="no body"):
        evaluate_volume(air, air)
