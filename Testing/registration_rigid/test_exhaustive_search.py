"""The search of every orientation at fine resolution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from XRayLib.projector.rigid import motion_from_twist
from XRayRegistrationLib.rigid.coarse_to_fine import Levels, levels_of
from XRayRegistrationLib.rigid.exhaustive_search import _looks_and_angles, exhaustive_search
from XRayRegistrationLib.rigid.patient import patient_of
from XRayRegistrationLib.rigid.search import Effort, SearchRange, camera_axes

NARROW = SearchRange(rotation_deg=10.0, shift_mm=24.0, depth_mm=50.0)


def levels(case) -> Levels:
    return levels_of(patient_of(case.ct, case.radiographs, "cpu"), case.radiographs, 2)


def test_a_turn_is_a_direction_of_view_and_an_angle_about_the_ray() -> None:
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0].T
    turns = np.stack([motion_from_twist([*rng.uniform(-0.6, 0.6, 3), 0, 0, 0], np.zeros(3))[:3, :3] for _ in range(50)])
    look_of, looks, angles_deg = _looks_and_angles(turns, axes, step_deg=1e-3)
    assert len(looks) == 50
    for turn, look, angle in zip(turns, look_of, angles_deg, strict=True):
        about_ray = motion_from_twist([*(np.deg2rad(angle) * axes[2]), 0, 0, 0], np.zeros(3))[:3, :3]
        np.testing.assert_allclose(about_ray @ looks[look], turn, atol=1e-9)


def test_a_turned_and_scaled_film_is_that_of_the_turned_and_moved_patient(make_case, pose_of, views) -> None:
    from XRayRegistrationLib.rigid.exhaustive_search import EXHAUSTIVE, _View

    case = make_case(pose_of((0, 0, 0), (0, 0, 0)), 1)
    matcher = levels(case).fine
    middle, axes = matcher.pivot_ras_mm, camera_axes(views[0], matcher.pivot_ras_mm)
    offsets = np.linspace(-80, 80, 9)[:, None] * axes[2]
    turn = motion_from_twist([*(np.deg2rad(18.0) * axes[2]), 0, 0, 0], np.zeros(3))[:3, :3]
    view = _View(matcher, matcher.films[0], middle, offsets, turn[None], np.eye(4), 4.0, EXHAUSTIVE)
    for depth, homography in zip(view._depths, view._to_film(0), strict=True):
        across = middle + np.array([30.0, -45.0]) @ axes[:2]
        placed = middle + turn @ (across - middle) + depth * axes[2]
        on_canvas = view._canvas.project(across)[0]
        on_film = homography @ [*on_canvas, 1]
        np.testing.assert_allclose(on_film[:2] / on_film[2], view._film.geometry.project(placed)[0], atol=1e-6)


@pytest.mark.parametrize(("number", "nearest_mm"), [(2, 12.0), (1, 20.0)])
def test_the_true_pose_is_among_the_best(make_case, pose_of, mtre_mm, number: int, nearest_mm: float) -> None:
    true = pose_of((7.0, -5.0, 8.0), (15.0, -30.0, -10.0))
    case = make_case(true, number, "hard", seed=2)
    found = exhaustive_search(levels(case).fine, np.eye(4), NARROW)
    assert mtre_mm(true, np.eye(4)) > 30
    assert min(mtre_mm(true, candidate.ct_to_world) for candidate in found[:5]) < nearest_mm
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


def test_an_empty_film_proposes_nothing_with_conviction(make_case, pose_of) -> None:
    case = make_case(pose_of((0, 0, 0), (0, 0, 0)), 1)
    film = case.radiographs[0]
    noise = np.random.default_rng(0).normal(3, 0.2, film.line_integral.shape).astype(np.float32)
    empty = replace(film, line_integral=noise)
    clear = exhaustive_search(levels(case).fine, np.eye(4), NARROW, Effort(1, step_deg=10.0))
    (best,) = exhaustive_search(
        levels_of(patient_of(case.ct, [empty], "cpu"), [empty], 2).fine, np.eye(4), NARROW, Effort(1, step_deg=10.0)
    )
    assert best.score < 0.3 * clear[0].score


def test_the_search_can_be_stopped(make_case, pose_of) -> None:
    class Stopped(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0:
            raise Stopped

    case = make_case(pose_of((0, 0, 0), (0, 0, 0)), 1)
    with pytest.raises(Stopped):
        exhaustive_search(levels(case).fine, np.eye(4), NARROW, Effort(step_deg=3.0), stop)
