"""Volume metrics on cases whose answer is known in closed form, and against scikit-image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics import evaluate_volume
from XRayLib.metrics.intensity import mean_absolute_error, psnr_3d
from XRayLib.metrics.legacy import legacy_psnr, legacy_ssim
from XRayLib.metrics.overlap import dice
from XRayLib.metrics.structure import ssim_3d
from XRayLib.radiograph import Radiograph


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


def test_psnr_equals_monai_and_scikit_image(pair) -> None:
    first, second = (np.clip(voxels, -1024, 1476) for voxels in pair)
    image_metrics = pytest.importorskip("skimage.metrics")
    assert psnr_3d(*pair) == pytest.approx(image_metrics.peak_signal_noise_ratio(first, second, data_range=2500))
    torch, monai_metrics = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    a, b = (torch.as_tensor(voxels)[None, None] for voxels in (first, second))
    assert psnr_3d(*pair) == pytest.approx(monai_metrics.PSNRMetric(max_val=2500)(a, b).item(), rel=1e-5)


def test_mean_absolute_error_counts_under_the_mask_only() -> None:
    reference, result = np.zeros((4, 4, 4)), np.zeros((4, 4, 4))
    result[0], result[1] = 30, 90
    mask = np.zeros((4, 4, 4), bool)
    mask[1:3] = True
    assert mean_absolute_error(reference, result) == 30
    assert mean_absolute_error(reference, result, mask) == 45
    assert np.isnan(mean_absolute_error(reference, result, mask & False))


def test_a_result_that_sees_a_part_is_also_judged_within_it() -> None:
    """A perfect half is perfect within its own field of view, and loses the other half only outside of it."""
    whole = a_chest()
    half = Volume(whole.voxels[:, :, :30], whole.ijk_to_ras)
    values = evaluate_volume(whole, half, template=whole)
    assert values["field_of_view"]["result"]["mae_body_hu"] == 0
    assert values["field_of_view"]["result"]["dice_lung"] == 1
    assert values["result"]["mae_body_hu"] > 100
    assert values["field_of_view"]["baselines"]["template"]["mae_body_hu"] == 0
    assert "field_of_view" not in evaluate_volume(whole, whole)


def test_a_result_elsewhere_is_refused() -> None:
    with pytest.raises(InputError, match="same RAS frame"):
        evaluate_volume(a_chest(), a_chest(1000.0))


def test_a_rotated_grid_of_the_same_anatomy_is_a_good_result() -> None:
    """The array turned upside down with its matrix turned alike stays where it was."""
    chest = a_chest()
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = chest.voxels.shape[0] - 1
    values = evaluate_volume(chest, Volume(chest.voxels[::-1], chest.ijk_to_ras @ flip))
    assert values["result"]["mae_hu"] == pytest.approx(0, abs=1e-3)
    assert values["coverage"] == 1


def test_organs_are_judged_by_labels() -> None:
    chest = a_chest()
    labels = np.zeros(chest.voxels.shape, np.float32)
    labels[5:35, 20:40, 15:28] = 11
    labels[10:20, 12:18, 30:40] = 5
    found = np.roll(labels, 2, axis=2)
    brighter = Volume(chest.voxels + 40, chest.ijk_to_ras)
    as_labels = [Volume(voxels, chest.ijk_to_ras, "label") for voxels in (labels, found)]
    organs = evaluate_volume(chest, brighter, labels=as_labels[0], result_labels=as_labels[1])["organs"]
    assert organs.keys() == {"liver", "lung"}
    assert organs["liver"]["mae_hu"] == pytest.approx(40)
    assert organs["liver"]["dice"] == pytest.approx(0.8)
    assert organs["liver"]["surface_hausdorff_mm"] == pytest.approx(4)
    assert "dice" not in evaluate_volume(chest, brighter, labels=as_labels[0])["organs"]["lung"]


def test_the_residual_of_the_true_volume_is_nothing() -> None:
    from XRayLib.reprojection import reproject

    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=0,
        secondary_angle_deg=0,
        source_to_detector_mm=1200,
        source_to_isocenter_mm=900,
        size_px=(24, 20),
        pixel_spacing_mm=(6, 6),
    )
    blank = Radiograph(np.zeros((20, 24), np.float32), geometry)
    film = replace(blank, line_integral=reproject(a_chest(), (blank,), device="cpu")[0].reprojection)
    true, shifted = (evaluate_volume(a_chest(), a_chest(s), radiographs=(film,)) for s in (0.0, 20.0))
    assert true["reprojection_residual"][0] < 0.05
    assert shifted["reprojection_residual"][0] > 0.1
