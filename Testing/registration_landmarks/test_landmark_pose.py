"""A pose follows from landmarks: exactly without noise, with the error that the covariance tells with noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from picked import TRUNK, c_arm, mean_error_mm, pose_near_nominal, seen
from XRayLib.case import Case, Landmarks
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph
from XRayRegistrationLib.rigid.landmarks import landmark_start, pose_from_landmarks

PA, LATERAL, OBLIQUE = c_arm(0), c_arm(90), c_arm(40, 20)
VIEWS = {"one": [OBLIQUE], "two": [PA, LATERAL], "three": [PA, OBLIQUE, LATERAL]}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), views=st.sampled_from(sorted(VIEWS)), count=st.integers(4, 10))
def test_exact_landmarks_give_the_pose_from_any_start(seed: int, views: str, count: int) -> None:
    rng = np.random.default_rng(seed)
    true = pose_near_nominal(rng, turn_deg=180.0)
    points = TRUNK[rng.permutation(len(TRUNK))[:count]] + rng.uniform(-5, 5, (count, 3))
    landmarks = seen(true, points, VIEWS[views])
    found = pose_from_landmarks(landmarks, VIEWS[views], true)
    assert mean_error_mm(found.ct_to_world, true) < 1e-3
    assert found.used.all()
    assert found.residual_px.max() < 1e-3
    # From a wrong expectation the same pose is found or named as one of several.
    lost = pose_from_landmarks(landmarks, VIEWS[views], np.eye(4))
    assert min(mean_error_mm(pose, true) for pose in (lost.ct_to_world, *lost.alternatives)) < 1e-3


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=61526)  # two poses that explain all, a tenth of a millimetre apart
def test_three_landmarks_on_one_film_give_the_pose_nearest_to_the_expected(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = pose_near_nominal(rng)
    points = TRUNK[[0, 2, 7]] + rng.uniform(-10, 10, (3, 3))
    near = true.copy()
    near[:3, 3] += rng.uniform(-3, 3, 3)
    landmarks = seen(true, points, [PA])
    assert mean_error_mm(pose_from_landmarks(landmarks, [PA], true).ct_to_world, true, points) < 1e-2
    found = pose_from_landmarks(landmarks, [PA], near)
    assert found.residual_px.max() < 1e-6
    # Another pose that explains the landmarks may be nearer to a wrong expectation than the true one.
    nearer = mean_error_mm(found.ct_to_world, near, points) < mean_error_mm(true, near, points)
    assert mean_error_mm(found.ct_to_world, true, points) < 1e-2 or nearer
    for other in found.alternatives:
        assert mean_error_mm(other, near, points) > mean_error_mm(found.ct_to_world, near, points)
    assert bool(found.alternatives) == any("equally well" in note for note in found.notes)


def test_three_landmarks_on_one_film_are_ambiguous() -> None:
    """Points square to the beam, nodded forward or backward, look almost alike."""
    points = np.array([[-50.0, 0, -50], [50, 0, -50], [0, 0, 60]])
    nod = pose_near_nominal(np.random.default_rng(0), 0.0)
    cos, sin = np.cos(0.5), np.sin(0.5)
    nod[:3, :3] = [[1, 0, 0], [0, cos, -sin], [0, sin, cos]]
    found = pose_from_landmarks(seen(nod, points, [PA]), [PA], nod)
    assert mean_error_mm(found.ct_to_world, nod, points) < 1e-2
    assert len(found.alternatives) >= 1


def test_films_that_show_too_few_each_give_the_pose_together() -> None:
    true = pose_near_nominal(np.random.default_rng(3))
    landmarks = seen(true, TRUNK[:4], [PA, LATERAL])
    pixels = landmarks.pixels.copy()
    pixels[0, 2:] = np.nan
    pixels[1, :2] = np.nan
    found = pose_from_landmarks(replace(landmarks, pixels=pixels), [PA, LATERAL], np.eye(4))
    assert mean_error_mm(found.ct_to_world, true, TRUNK[:4]) < 1e-2
    np.testing.assert_array_equal(found.used, np.isfinite(pixels).all(axis=2))
    np.testing.assert_array_equal(np.isfinite(found.residual_mm), found.used)


def test_a_mirrored_film_is_not_a_camera_turned_around() -> None:
    """The films of this project hold a reflection; a view without one must work as well."""
    true = pose_near_nominal(np.random.default_rng(5))
    flipped = PA.with_axes(flip_columns=True)
    for view in (PA, flipped):
        found = pose_from_landmarks(seen(true, TRUNK, [view]), [view], np.eye(4))
        assert mean_error_mm(found.ct_to_world, true) < 1e-3


@pytest.mark.parametrize(("views", "count"), [("one", 5), ("one", 8), ("two", 5), ("two", 7)])
def test_one_wrong_pair_is_left_out(views: str, count: int) -> None:
    for seed in range(6):
        rng = np.random.default_rng([seed, count])
        true = pose_near_nominal(rng)
        landmarks = seen(true, TRUNK[:count], VIEWS[views], 0.3, rng)
        wrong_view, wrong = rng.integers(len(VIEWS[views])), rng.integers(count)
        pixels = landmarks.pixels.copy()
        pixels[wrong_view, wrong] += 60 * np.array([np.cos(seed), np.sin(seed)])  # about a vertebra away
        found = pose_from_landmarks(replace(landmarks, pixels=pixels), VIEWS[views], np.eye(4))
        assert not found.used[wrong_view, wrong]
        assert found.residual_px[wrong_view, wrong] > 30
        assert mean_error_mm(found.ct_to_world, true) < 4
        assert any(f"L{wrong} on X-ray {wrong_view + 1}" in note for note in found.notes)


def test_a_landmark_wrong_in_the_ct_is_left_out_on_every_film() -> None:
    rng = np.random.default_rng(1)
    true = pose_near_nominal(rng)
    landmarks = seen(true, TRUNK[:7], [PA, LATERAL], 0.3, rng)
    ct = landmarks.ct_ras_mm.copy()
    ct[4] += (10, -25, 30)
    found = pose_from_landmarks(replace(landmarks, ct_ras_mm=ct), [PA, LATERAL], np.eye(4))
    assert mean_error_mm(found.ct_to_world, true) < 2
    np.testing.assert_array_equal(found.used, np.broadcast_to(np.arange(7) != 4, (2, 7)))


def test_good_pairs_are_rarely_left_out() -> None:
    left_out = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        true = pose_near_nominal(rng)
        found = pose_from_landmarks(seen(true, TRUNK[:6], [PA], 2.0, rng), [PA], true)
        left_out += not found.used.all()
    assert left_out <= 3


@pytest.mark.parametrize("views", ["one", "two"])
def test_the_covariance_tells_the_error(views: str) -> None:
    """Normalised squared errors follow chi-square with six degrees of freedom when the noise is as expected."""
    pivot, noise_px = np.array([10.0, 5.0, -20.0]), 2.0 / 0.8
    distances = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 9])
        true = pose_near_nominal(rng)
        found = pose_from_landmarks(seen(true, TRUNK, VIEWS[views], noise_px, rng), VIEWS[views], true, pivot)
        error = found.ct_to_world @ np.linalg.inv(true)
        turn = 0.5 * np.array([error[2, 1] - error[1, 2], error[0, 2] - error[2, 0], error[1, 0] - error[0, 1]])
        shift = found.ct_to_world[:3] @ [*pivot, 1] - true[:3] @ [*pivot, 1]
        motion = np.concatenate([shift, turn])
        distances.append(motion @ np.linalg.solve(found.covariance_mm_rad, motion))
    assert 4.5 < np.mean(distances) < 8.5
    # One film: depth is the weak direction (the beam of PA runs along A).
    deviation = np.sqrt(np.diag(pose_from_landmarks(seen(np.eye(4), TRUNK, [PA]), [PA], np.eye(4)).covariance_mm_rad))
    assert deviation[1] > 3 * max(deviation[0], deviation[2])


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (TRUNK[:2], "at least 3"),
        (np.linspace(-1, 1, 6)[:, None] * (30.0, 40.0, 100.0), "on a line"),
        (np.full((4, 3), np.nan), "finite"),
        (TRUNK[:, :2], "three finite coordinates"),
    ],
)
def test_landmarks_that_give_no_pose_are_bad_input(points, words: str) -> None:
    pixels = np.random.default_rng(0).uniform(0, 500, (1, len(points), 2))
    with pytest.raises(InputError, match=words):
        pose_from_landmarks(Landmarks(points, pixels), [PA], np.eye(4))


def test_pairs_that_are_different_places_are_bad_input() -> None:
    landmarks = seen(np.eye(4), TRUNK, [PA, LATERAL])
    shuffled = np.random.default_rng(0).permutation(len(TRUNK))
    pixels = np.stack([landmarks.pixels[0][shuffled], landmarks.pixels[1]])
    with pytest.raises(InputError, match="contradict"):
        pose_from_landmarks(replace(landmarks, pixels=pixels), [PA, LATERAL], np.eye(4))
    with pytest.raises(InputError, match="pick the same points"):
        pose_from_landmarks(landmarks, [PA], np.eye(4))


def test_a_case_gives_its_start() -> None:
    true = pose_near_nominal(np.random.default_rng(2))
    film = Radiograph(np.zeros((512, 512), np.float32), PA)
    ct = Volume.axis_aligned(np.zeros((8, 8, 8), np.float32), (40.0, 40.0, 40.0))
    case = Case((film,), ct=ct, landmarks=seen(true, TRUNK, [PA]))
    assert mean_error_mm(landmark_start(case).ct_to_world, true) < 1e-3
    with pytest.raises(InputError, match="needs a CT and landmarks"):
        landmark_start(replace(case, landmarks=None))
