"""Pose metrics on rotations and translations whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics import evaluate_pose
from XRayLib.metrics.pose import rotation_error_deg, success_rates, target_grid

CORNERS = np.array([[r, a, s] for r in (-50, 50) for a in (-50, 50) for s in (-50, 50)], float)


def pose(rotation: Rotation | None = None, translation: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = (rotation or Rotation.identity()).as_matrix()
    matrix[:3, 3] = translation
    return matrix


def frontal(source_to_detector_mm: float = 1000.0) -> XRayGeometry:
    """The source at A = -700, the rays along A."""
    return XRayGeometry.from_c_arm(
        primary_angle_deg=0,
        secondary_angle_deg=0,
        source_to_detector_mm=source_to_detector_mm,
        source_to_isocenter_mm=700,
        size_px=(200, 200),
        pixel_spacing_mm=(2.0, 2.5),
    )


angles = st.floats(0.0, np.pi - 1e-3)
axes = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1)


@given(angle=angles, axis=axes, seed=st.integers(0, 1000))
def test_the_rotation_error_is_the_angle_whatever_the_axis_and_the_pose(angle: float, axis: tuple, seed: int) -> None:
    reference = Rotation.random(rng=np.random.default_rng(seed))
    turn = Rotation.from_rotvec(angle * np.array(axis) / np.linalg.norm(axis))
    error = rotation_error_deg(pose(reference), pose(turn * reference))
    assert error == pytest.approx(np.rad2deg(angle), abs=1e-6)


def test_a_pure_translation() -> None:
    values = evaluate_pose(np.eye(4), pose(translation=(3, 0, 4)), landmarks_ct_ras=CORNERS)["result"]
    assert values["rotation_deg"] == 0
    for name in ("translation_mm", "mtre_mm", "tre_p95_mm", "tre_max_mm"):
        assert values[name] == pytest.approx(5)
    assert values["success"] == {"1_mm": 0, "2_mm": 0, "5_mm": 0, "10_mm": 1}


def test_a_rotation_about_the_middle_of_the_targets_moves_no_middle() -> None:
    reference = pose(Rotation.from_euler("xyz", [20, -10, 5], degrees=True), (10, 20, 30))
    middle = reference[:3, 3]
    turn = Rotation.from_rotvec([0, 0, np.deg2rad(3)])
    about_middle = pose(turn, tuple(middle - turn.apply(middle))) @ reference
    values = evaluate_pose(reference, about_middle, landmarks_ct_ras=CORNERS)["result"]
    assert values["rotation_deg"] == pytest.approx(3)
    assert values["translation_mm"] == pytest.approx(0, abs=1e-9)
    rotated = CORNERS @ reference[:3, :3].T
    expected = 2 * np.sin(np.deg2rad(1.5)) * np.hypot(rotated[:, 0], rotated[:, 1]).mean()
    assert values["mtre_mm"] == pytest.approx(expected)


def test_baselines_are_no_motion_and_the_initial_pose() -> None:
    reference, initial = pose(translation=(0, 0, 30)), pose(translation=(0, 0, 20))
    values = evaluate_pose(reference, reference, landmarks_ct_ras=CORNERS, initial_ct_to_world=initial)
    assert values["result"]["mtre_mm"] == 0
    assert values["baselines"]["identity"]["mtre_mm"] == pytest.approx(30)
    assert values["baselines"]["initial"]["mtre_mm"] == pytest.approx(10)


def test_an_error_along_the_central_ray_is_invisible_to_it() -> None:
    """A target on the central ray moved 10 mm along it: no error in the view; across it: magnified on the detector."""
    target = np.zeros((1, 3))
    along, across = (
        evaluate_pose(np.eye(4), pose(translation=move), landmarks_ct_ras=target, geometries=[frontal()])["result"]
        for move in ((0, 10, 0), (10, 0, 0))
    )
    assert along["views"][0]["projected_mtre_mm"] == pytest.approx(0, abs=1e-9)
    assert along["views"][0]["reprojection_distance_mm"] == pytest.approx(0, abs=1e-9)
    assert along["views"][0]["along_ray_bias_mm"] == pytest.approx(10)
    assert across["views"][0]["projected_mtre_mm"] == pytest.approx(10 * 1000 / 700)
    assert across["views"][0]["reprojection_distance_mm"] == pytest.approx(700 * 10 / np.hypot(700, 10))
    assert across["views"][0]["across_ray_rmse_mm"] == pytest.approx(10)
    assert across["mtre_mm"] == along["mtre_mm"] == pytest.approx(10)


def test_oblong_pixels_are_counted_in_millimetres() -> None:
    target = np.zeros((1, 3))
    found = [
        evaluate_pose(np.eye(4), pose(translation=move), landmarks_ct_ras=target, geometries=[frontal()])
        for move in ((7, 0, 0), (0, 0, 7))
    ]
    assert [f["result"]["views"][0]["projected_mtre_mm"] for f in found] == pytest.approx([10, 10])


def test_targets_inside_a_ct_lie_in_its_body() -> None:
    voxels = np.full((20, 20, 20), -1000, np.float32)
    voxels[5:15, 5:15, 5:15] = 50
    ct = Volume.axis_aligned(voxels, (2, 3, 4), (100, 0, 0))
    targets = target_grid(ct)
    assert len(targets) == 8**3
    np.testing.assert_allclose(targets.min(axis=0), (100 - 9, -13.5, -18))
    np.testing.assert_allclose(targets.max(axis=0), (100 + 9, 13.5, 18))
    assert evaluate_pose(np.eye(4), pose(translation=(1, 0, 0)), ct=ct)["targets"] == 512


def test_success_rates_over_cases() -> None:
    assert success_rates([0.5, 1.5, 4, 20]) == {"1_mm": 0.25, "2_mm": 0.5, "5_mm": 0.75, "10_mm": 0.75}


@pytest.mark.parametrize(
    "matrix", [np.eye(3), 2 * np.eye(4), np.diag([1, 1, -1, 1]), np.full((4, 4), np.nan), np.diag([2.0, 0.5, 1, 1])]
)
def test_what_is_no_rigid_pose_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(InputError):
        evaluate_pose(np.eye(4), matrix, landmarks_ct_ras=CORNERS)


def test_targets_are_needed() -> None:
    with pytest.raises(InputError, match="landmarks"):
        evaluate_pose(np.eye(4), np.eye(4))
    with pytest.raises(InputError):
        evaluate_pose(np.eye(4), np.eye(4), landmarks_ct_ras=[[1, 2]])
    with pytest.raises(InputError, match="body"):
        evaluate_pose(np.eye(4), np.eye(4), ct=Volume(np.full((5, 5, 5), -1000, np.float32), np.eye(4)))
