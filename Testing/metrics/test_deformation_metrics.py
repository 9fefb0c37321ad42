"""Deformation metrics on fields whose errors and folds are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics import DisplacementField, evaluate_deformation, load_displacement_field
from XRayLib.metrics.evaluate_deformation import normalized_cross_correlation
from XRayLib.radiograph import Radiograph

SHAPE = (12, 14, 16)
GRID = np.array([[0, -3.0, 0, 10], [2, 0, 0, -5], [0, 0, 4, 7], [0, 0, 0, 1]])
"""Turned axes and three spacings, so that no confusion of axes goes unseen."""


def affine_field(matrix: np.ndarray, shift: tuple[float, float, float] = (0, 0, 0)) -> DisplacementField:
    """u(p) = matrix p + shift."""
    blank = DisplacementField(np.zeros((*SHAPE, 3), np.float32), GRID)
    return DisplacementField((blank.voxel_points() @ matrix.T + shift).astype(np.float32), GRID)


ZERO = np.zeros((3, 3))


def test_voxels_lie_where_the_matrix_says() -> None:
    points = affine_field(ZERO).voxel_points()
    np.testing.assert_allclose(points[2, 3, 4], GRID[:3, :3] @ (4, 3, 2) + GRID[:3, 3])


def test_the_determinant_of_an_affine_field_is_exact() -> None:
    gradient = np.array([[0.1, 0.2, 0], [0, -0.3, 0.1], [0.05, 0, 0.2]])
    determinants = affine_field(gradient).jacobian_determinants()
    np.testing.assert_allclose(determinants, np.linalg.det(np.eye(3) + gradient), rtol=1e-4)


def test_a_mirroring_field_folds_everywhere_and_a_shift_nowhere() -> None:
    fold = evaluate_deformation(affine_field(ZERO), affine_field(np.diag([-2.0, 0, 0])))
    assert fold["result"]["folding_fraction"] == 1
    assert fold["result"]["jacobian_max"] == pytest.approx(-1, abs=1e-4)
    shift = evaluate_deformation(affine_field(ZERO), affine_field(ZERO, (5, 5, 5)))
    assert shift["result"]["folding_fraction"] == 0
    assert shift["result"]["jacobian_min"] == pytest.approx(1)


def test_folding_is_the_share_of_folded_voxels() -> None:
    field = np.zeros((*SHAPE, 3), np.float32)
    field[:, :, 8:, 1] = -4.0 * np.arange(8)  # i runs along A with 2 mm: p -> p - 2 (p - p8)
    determinants = DisplacementField(field, GRID).jacobian_determinants()
    assert np.mean(determinants <= 0) == pytest.approx(8 / 16)


def test_field_errors_and_the_identity_beside() -> None:
    values = evaluate_deformation(affine_field(ZERO, (3, 0, 4)), affine_field(ZERO, (3, 0, 1)))
    assert values["result"]["tre_mm"] == values["result"]["tre_max_mm"] == pytest.approx(3)
    assert values["baselines"]["identity"]["tre_mm"] == pytest.approx(5)
    assert values["coverage"] == 1


def test_errors_count_under_the_mask() -> None:
    wrong = np.zeros((*SHAPE, 3), np.float32)
    wrong[:6, ..., 0] = 10
    mask = np.zeros(SHAPE, np.float32)
    mask[6:] = 1
    reference = affine_field(ZERO)
    assert evaluate_deformation(reference, DisplacementField(wrong, GRID))["result"]["tre_mm"] == pytest.approx(5)
    masked = evaluate_deformation(reference, DisplacementField(wrong, GRID), mask=Volume(mask, GRID))
    assert masked["result"]["tre_mm"] == 0


def test_a_reference_on_another_grid_is_interpolated_and_its_coverage_told() -> None:
    gradient = np.diag([0.1, -0.05, 0.02])
    result = affine_field(gradient)
    coarse_grid = GRID @ np.diag([2.0, 2, 2, 1])
    blank = DisplacementField(np.zeros((6, 7, 8, 3), np.float32), coarse_grid)
    reference = DisplacementField((blank.voxel_points() @ gradient.T).astype(np.float32), coarse_grid)
    values = evaluate_deformation(reference, result)
    assert values["result"]["tre_max_mm"] == pytest.approx(0, abs=1e-4)
    assert values["coverage"] == pytest.approx((11 * 13 * 15) / np.prod(SHAPE))


def test_landmarks() -> None:
    field = affine_field(ZERO, (1, 2, 2))
    deformed = field.voxel_points()[[3, 5, 7], [4, 6, 8], [5, 7, 9]]
    in_ct = deformed + np.array([1, 2, 5])
    values = evaluate_deformation(None, field, landmarks=(deformed, in_ct))
    assert values["result"]["landmark_tre_mm"] == pytest.approx(3)
    assert values["baselines"]["identity"]["landmark_tre_mm"] == pytest.approx(np.sqrt(30))
    with pytest.raises(InputError, match="outside"):
        evaluate_deformation(None, field, landmarks=(deformed + 1000, in_ct))


def test_a_field_points_from_the_deformed_anatomy_into_the_ct() -> None:
    """The liver moved 6 mm down: the field points 6 mm up, and warping the CT's labels gives the deformed ones."""
    labels = np.zeros(SHAPE, np.float32)
    labels[6:10, 5:9, 5:9] = 5
    moved_down = np.zeros(SHAPE, np.float32)
    moved_down[4:8, 5:9, 5:9] = 5  # k runs along S with 4 mm: 2 voxels are 8 mm
    pair = (Volume(moved_down, GRID, "label"), Volume(labels, GRID, "label"))
    values = evaluate_deformation(None, affine_field(ZERO, (0, 0, 8)), labels=pair)
    assert values["result"]["dice"] == {"liver": 1.0}
    assert values["baselines"]["identity"]["dice"]["liver"] == pytest.approx(0.5)


def test_labels_are_compared_on_their_own_grid_however_coarse_the_field() -> None:
    box = np.zeros((16, 16, 16), np.float32)
    box[5:11, 5:11, 5:11] = 5
    pair = (Volume(np.roll(box, 1, axis=0), np.eye(4), "label"), Volume(box, np.eye(4), "label"))
    coarse = DisplacementField(np.zeros((4, 4, 4, 3), np.float32), np.diag([5.0, 5, 5, 1]))
    values = evaluate_deformation(None, coarse, labels=pair)
    assert values["result"]["dice"]["liver"] == pytest.approx(5 / 6)


def test_warping_a_ct_puts_air_outside() -> None:
    ct = Volume(np.full(SHAPE, 40, np.float32), GRID)
    warped = affine_field(ZERO, (0, 0, 8)).warp(ct)
    assert (warped.voxels[:10] == 40).all()
    assert (warped.voxels[10:] == -1000).all()


def test_held_out_views_tell_the_right_deformation_from_none() -> None:
    from XRayLib.reprojection import reproject

    voxels = np.full((24, 24, 24), -1000, np.float32)
    voxels[8:16, 8:16, 8:16] = 200
    ct = Volume.axis_aligned(voxels, (6, 6, 6))
    field = DisplacementField(np.broadcast_to(np.float32((24, 0, 0)), (24, 24, 24, 3)), ct.ijk_to_ras)
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=20,
        secondary_angle_deg=0,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=700,
        size_px=(30, 30),
        pixel_spacing_mm=(8, 8),
    )
    blank = Radiograph(np.zeros((30, 30), np.float32), geometry)
    film = replace(blank, line_integral=reproject(field.warp(ct), (blank,), device="cpu")[0].reprojection)
    values = evaluate_deformation(None, field, ct=ct, held_out=[film])
    assert values["result"]["held_out_ncc"][0] == pytest.approx(1, abs=1e-3)
    assert values["baselines"]["identity"]["held_out_ncc"][0] < 0.7


def test_correlation_is_that_of_pearson() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 9, 8))
    expected = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert normalized_cross_correlation(first, second) == pytest.approx(expected)
    assert normalized_cross_correlation(first, -3 * first + 2) == pytest.approx(-1)
    assert np.isnan(normalized_cross_correlation(first, np.ones((9, 8))))
    mask = first > 0.5
    assert normalized_cross_correlation(first, np.where(mask, first, 9), mask) == pytest.approx(1)


@pytest.mark.parametrize("name", ["field.nii.gz", "field.nrrd", "field.mha"])
def test_a_field_file_means_what_itk_means(tmp_path: Path, name: str) -> None:
    """A point goes through ITK's own transform in LPS to where the field sends it in RAS."""
    rng = np.random.default_rng(0)
    image = sitk.GetImageFromArray(rng.normal(0, 3, (6, 7, 8, 3)), isVector=True)
    image.SetSpacing((2, 3, 4))
    image.SetOrigin((10, -20, 30))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / name))
    field = load_displacement_field(tmp_path / name)
    transform = sitk.DisplacementFieldTransform(sitk.Cast(image, sitk.sitkVectorFloat64))
    to_ras = np.array([-1, -1, 1])
    for index in ((2, 3, 4), (0, 0, 0), (7, 6, 5)):
        point_lps = np.array(image.TransformIndexToPhysicalPoint(index))
        expected = np.array(transform.TransformPoint(point_lps)) * to_ras
        point = point_lps * to_ras
        np.testing.assert_allclose(point + field.at(point[None])[0], expected, atol=1e-4)


@pytest.mark.parametrize("content", ["missing", "scalar", "garbage"])
def test_what_is_no_field_is_bad_input(tmp_path: Path, content: str) -> None:
    path = tmp_path / "field.nrrd"
    if content == "scalar":
        sitk.WriteImage(sitk.Image(4, 4, 4, sitk.sitkFloat32), str(path))
    elif content == "garbage":
        path.write_text("garbage")
    with pytest.raises(InputError):
        load_displacement_field(path)


def test_something_to_judge_by_is_needed() -> None:
    with pytest.raises(InputError, match="give one"):
        evaluate_deformation(None, affine_field(ZERO))
