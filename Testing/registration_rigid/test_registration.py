"""A phantom registered to films of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from XRayLib.case import Case, Landmarks, Options
from XRayLib.ct import Volume
from XRayLib.errors import InputError, RefusedError
from XRayLib.phantom import torso_phantom
from XRayLib.registry import method

ROTATION_DEG, SHIFT_MM = (14.0, -18.0, 22.0), (35.0, -60.0, -28.0)


def run(case: Case, **extra: object):
    return method("intensity").run(case, Options(device="cpu", extra=extra), lambda _fraction, _stage: None)


def test_two_views_find_a_far_pose_without_any_start(make_case, pose_of, mtre_mm) -> None:
    true = pose_of(ROTATION_DEG, SHIFT_MM)
    result = run(make_case(true))
    assert mtre_mm(true, np.eye(4)) > 60
    assert mtre_mm(true, result.ct_to_world) < 0.3
    assert result.pose_quality.accepted
    assert result.pose_quality.reason == ""
    assert result.pose_quality.confidence > 0.8
    assert {"preparation", "search", "refinement"} <= result.pose_quality.seconds.keys()


def test_one_view_finds_it_too_and_says_that_depth_is_weak(make_case, pose_of, mtre_mm) -> None:
    true = pose_of((-12.0, 16.0, -9.0), (-30.0, 70.0, 20.0))
    result = run(make_case(true, 1))
    assert mtre_mm(true, result.ct_to_world) < 1.0
    deviations = np.sqrt(np.diag(result.pose_quality.covariance_mm_rad)[:3])
    assert deviations[1] > 2 * max(deviations[0], deviations[2])  # the frontal view's ray runs along A
    assert any("depth" in warning for warning in result.warnings)


def test_a_realistic_film_is_registered(make_case, pose_of, mtre_mm) -> None:
    true = pose_of((10.0, 8.0, -12.0), (20.0, 40.0, 15.0))
    result = run(make_case(true, 2, "mild", seed=3))
    assert mtre_mm(true, result.ct_to_world) < 1.0
    assert result.pose_quality.accepted


def test_a_given_start_is_refined_to_the_pose_near_it(make_case, pose_of, mtre_mm) -> None:
    true = pose_of(ROTATION_DEG, SHIFT_MM)
    start = pose_of((17.0, -15.0, 20.0), (40.0, -50.0, -24.0))
    result = run(replace(make_case(true), initial_ct_to_world=start), initialisation="given")
    assert mtre_mm(true, start) > 5
    assert mtre_mm(true, result.ct_to_world) < 0.3


def test_without_refinement_the_best_start_comes_back(make_case, pose_of) -> None:
    true = pose_of(ROTATION_DEG, SHIFT_MM)
    case = replace(make_case(true), initial_ct_to_world=true)
    result = run(case, initialisation="given", refine=False)
    np.testing.assert_array_equal(result.ct_to_world, true)


def test_landmarks_start_the_refinement(make_case, pose_of, mtre_mm, phantom: Volume) -> None:
    true = pose_of((40.0, 10.0, 30.0), (60.0, 20.0, -40.0))
    case = make_case(true)
    points = phantom.center_ras_mm + np.array([[60, 0, 80], [-70, 20, 60], [10, -60, -70], [50, 40, -20]])
    pixels = np.stack([view.geometry.moved(true).project(points) for view in case.radiographs])
    pixels += np.random.default_rng(0).normal(0, 1.5, pixels.shape)
    result = run(replace(case, landmarks=Landmarks(points, pixels)))
    assert mtre_mm(true, result.ct_to_world) < 0.3


def test_an_instrument_on_the_film_does_not_pull_the_pose(make_case, pose_of, mtre_mm) -> None:
    true = pose_of((6.0, -5.0, 8.0), (15.0, 20.0, -10.0))
    case = make_case(true)
    films = []
    for film in case.radiographs:
        image = film.line_integral.copy()
        image[90:98, 40:160] += 6.0
        image[40:120, 110:116] += 8.0
        films.append(replace(film, line_integral=image))
    result = run(replace(case, radiographs=tuple(films)))
    assert mtre_mm(true, result.ct_to_world) < 0.6


def test_a_film_that_shows_more_of_the_patient_than_the_ct(make_case, pose_of, mtre_mm, phantom: Volume) -> None:
    true = pose_of((8.0, 6.0, -10.0), (12.0, -30.0, 18.0))
    case = make_case(true)
    lower = Volume(phantom.voxels[: -len(phantom.voxels) // 4], phantom.ijk_to_ras)
    result = run(replace(case, ct=lower))
    assert mtre_mm(true, result.ct_to_world) < 1.0


def test_the_scanners_table_is_ignored_or_used_as_the_films_have_it(make_case, pose_of, mtre_mm, phantom) -> None:
    true = pose_of((5.0, 9.0, -7.0), (10.0, 30.0, 12.0))
    voxels = np.pad(phantom.voxels, ((0, 0), (12, 0), (0, 0)), constant_values=-1000)
    voxels[:, 2:6, 20:-20] = 200
    matrix = phantom.ijk_to_ras.copy()
    matrix[:3, 3] -= 12 * matrix[:3, 1]
    on_table = Volume(voxels, matrix)
    case = make_case(true)
    assert mtre_mm(true, run(replace(case, ct=on_table)).ct_to_world) < 0.5


def test_wrong_input_is_turned_away(make_case) -> None:
    case = make_case(np.eye(4), 1)
    with pytest.raises(InputError, match="needs a CT"):
        method("intensity").check(replace(case, ct=None))
    flat = replace(case.radiographs[0], line_integral=np.full_like(case.radiographs[0].line_integral, 2.0))
    with pytest.raises(RefusedError, match="X-ray 1 is empty"):
        run(replace(case, radiographs=(flat,)))
    with pytest.raises(InputError, match="no initial pose"):
        run(case, initialisation="given")
    with pytest.raises(InputError, match="no landmarks"):
        run(case, initialisation="landmarks")
    with pytest.raises(InputError, match="initialisation must be"):
        run(case, initialisation="guess")


def test_cancelling_stops_the_work(make_case) -> None:
    class Cancelled(Exception):
        pass

    def cancel(fraction: float, _stage: str) -> None:
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        method("intensity").run(make_case(np.eye(4), 1), Options(device="cpu"), cancel)


def test_a_mirrored_film_is_refused_and_the_reason_told(make_case, pose_of) -> None:
    case = make_case(pose_of((5.0, 10.0, -8.0), (15.0, 30.0, 20.0)), 1)
    film = case.radiographs[0]
    mirrored = replace(film, line_integral=np.ascontiguousarray(film.line_integral[:, ::-1]))
    quality = run(replace(case, radiographs=(mirrored,))).pose_quality
    assert not quality.accepted
    assert "mirrored" in quality.reason


def test_noise_is_refused(make_case) -> None:
    case = make_case(np.eye(4), 1)
    noise = np.random.default_rng(0).normal(2, 0.3, case.radiographs[0].line_integral.shape).clip(0)
    film = replace(case.radiographs[0], line_integral=noise.astype(np.float32))
    quality = run(replace(case, radiographs=(film,)), rotation_range_deg=16.0).pose_quality
    assert not quality.accepted
    assert quality.reason


def test_another_patient_is_refused(make_case, pose_of) -> None:
    case = make_case(pose_of((5.0, 10.0, -8.0), (15.0, 30.0, 20.0)), 2)
    result = run(replace(case, ct=torso_phantom(11, spacing_mm=4.0).ct), rotation_range_deg=16.0)
    assert not result.pose_quality.accepted
    assert result.pose_quality.confidence < 0.5
