"""Points on rays give back the pose they were made with, wrong ones do not matter, and no pose is ever made up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from XRayLib.canonical_view.window import is_left_handed, transformed, window_transform
from XRayLib.errors import RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import rotation_error_deg
from XRayLib.projector.rigid import motion_from_twist
from XRayRegistrationLib.learned.scene_correspondences import Correspondences, correspondences_of
from XRayRegistrationLib.learned.scene_pose import ScenePose, SceneView, scene_pose

MIDDLE = np.array([12.0, -30.0, 140.0])
TRUE = motion_from_twist([0.3, -0.2, 0.25, 20.0, -45.0, 33.0], MIDDLE)
SIDE, WINDOW_MM = 64, 400.0


def view(primary_deg: float, **changes: bool) -> XRayGeometry:
    """A canonical view of a film, which may be mirrored or transposed."""
    film = XRayGeometry.from_c_arm(
        primary_angle_deg=primary_deg,
        secondary_angle_deg=5.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(300, 260),
        pixel_spacing_mm=(1.5, 1.7),
        isocenter_ras_mm=MIDDLE,
        principal_point_px=(140.0, 128.0),
    ).with_axes(**changes)
    return transformed(film, window_transform(film, 700.0, WINDOW_MM, SIDE), SIDE, WINDOW_MM, 700.0)


def seen(geometry: XRayGeometry, rng: np.random.Generator, count: int = 200, noise_mm: float = 0.0) -> Correspondences:
    """Points of the CT, in two sheets, and where the film shows them when the CT is at TRUE."""
    points = MIDDLE + rng.uniform(-120, 120, (count, 3)) + np.where(rng.random((count, 1)) < 0.5, 60, -60)
    pixels = geometry.project(points @ TRUE[:3, :3].T + TRUE[:3, 3])
    noisy = points + rng.normal(0, noise_mm, points.shape)
    return Correspondences(noisy, pixels, np.full(count, max(noise_mm, 0.1)))


def placed(views: list[tuple[XRayGeometry, Correspondences]], middle: np.ndarray = MIDDLE) -> ScenePose:
    """The pose from these points, the films assuming the depth that the canonical views were made for."""
    return scene_pose([SceneView(geometry, points, 700.0) for geometry, points in views], middle)


def worst_offset_mm(pose: np.ndarray) -> float:
    corners = MIDDLE + 150 * np.array([[r, a, s] for r in (-1, 1) for a in (-1, 1) for s in (-1, 1)])
    return float(np.abs(corners @ (pose - TRUE)[:3, :3].T + (pose - TRUE)[:3, 3]).max())


@pytest.mark.parametrize(
    "changes",
    [{}, {"flip_columns": True}, {"flip_rows": True}, {"transpose": True}, {"transpose": True, "flip_columns": True}],
)
def test_exact_points_give_the_exact_pose_however_the_film_is_mirrored(changes: dict[str, bool]) -> None:
    geometry = view(20.0, **changes)
    assert not is_left_handed(geometry)
    found = placed([(geometry, seen(geometry, np.random.default_rng(1)))])
    assert worst_offset_mm(found.ct_to_world) < 1e-3
    assert np.linalg.det(found.ct_to_world[:3, :3]) == pytest.approx(1)
    assert found.inliers.all()


def test_half_of_the_points_may_be_wrong() -> None:
    rng = np.random.default_rng(2)
    geometry = view(0.0)
    points = seen(geometry, rng, 300)
    wrong = rng.random(300) < 0.5
    moved = points.points_ct_ras_mm + wrong[:, None] * rng.uniform(-150, 150, (300, 3))
    found = placed([(geometry, dataclasses.replace(points, points_ct_ras_mm=moved))])
    assert worst_offset_mm(found.ct_to_world) < 0.5
    assert found.inliers[~wrong].all()
    assert found.inliers[wrong].mean() < 0.2


def test_sure_points_count_more_than_unsure_ones() -> None:
    """Most points are shifted together and say so; the few that are sure decide."""
    rng = np.random.default_rng(3)
    geometry = view(0.0)
    points = seen(geometry, rng, 300)
    unsure = np.arange(300) < 200
    moved = points.points_ct_ras_mm + np.where(unsure[:, None], (8.0, 8.0, 8.0), 0)
    deviation = np.where(unsure, 30.0, 0.5)
    found = placed([(geometry, Correspondences(moved, points.pixels, deviation))])
    equal = placed([(geometry, Correspondences(moved, points.pixels, np.full(300, 10.0)))])
    assert worst_offset_mm(found.ct_to_world) < 0.5
    assert worst_offset_mm(equal.ct_to_world) > 3


def test_a_second_view_brings_the_depth() -> None:
    def error_along_the_beam(geometries: list[XRayGeometry]) -> float:
        errors = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            found = placed([(g, seen(g, rng, 60, noise_mm=10.0)) for g in geometries])
            offset = (found.ct_to_world - TRUE) @ [*MIDDLE, 1]
            errors.append(abs(offset[:3] @ geometries[0].detector_normal))
        return float(np.median(errors))

    alone, both = error_along_the_beam([view(0.0)]), error_along_the_beam([view(0.0), view(90.0)])
    assert both < 0.5 * alone


def test_one_view_that_is_all_wrong_is_overruled() -> None:
    rng = np.random.default_rng(4)
    good, other, bad = view(0.0), view(90.0), view(45.0)
    nonsense = seen(bad, rng, 150)
    nonsense = dataclasses.replace(nonsense, points_ct_ras_mm=rng.permutation(nonsense.points_ct_ras_mm))
    found = placed([(bad, nonsense), (good, seen(good, rng)), (other, seen(other, rng))])
    assert rotation_error_deg(TRUE, found.ct_to_world) < 0.1
    assert worst_offset_mm(found.ct_to_world) < 1


class TestRefusals:
    def test_points_without_order_are_refused(self) -> None:
        rng = np.random.default_rng(5)
        geometry = view(0.0)
        points = seen(geometry, rng, 300)
        shuffled = dataclasses.replace(points, points_ct_ras_mm=rng.permutation(points.points_ct_ras_mm))
        with pytest.raises(RefusedError):
            placed([(geometry, shuffled)])

    def test_too_few_points_are_refused(self) -> None:
        geometry = view(0.0)
        with pytest.raises(RefusedError, match="only 5 points"):
            placed([(geometry, seen(geometry, np.random.default_rng(6), 5))])

    def test_no_points_at_all_are_refused(self) -> None:
        nothing = Correspondences(np.empty((0, 3)), np.empty((0, 2)), np.empty(0))
        with pytest.raises(RefusedError, match="only 0 points"):
            placed([(view(0.0), nothing)])

    def test_points_on_one_line_are_refused(self) -> None:
        geometry = view(0.0)
        line = MIDDLE + np.linspace(-100, 100, 50)[:, None] * (1.0, 0.0, 0.0)
        same = np.tile(geometry.project(line[:1]), (50, 1))
        with pytest.raises(RefusedError):
            placed([(geometry, Correspondences(line, same, np.ones(50)))])

    def test_a_pose_off_the_film_is_refused(self) -> None:
        """Points that fit perfectly, of something far outside of the window."""
        geometry, far = view(0.0), MIDDLE + np.array([900.0, 0.0, 0.0])
        rng = np.random.default_rng(7)
        points = far + rng.uniform(-100, 100, (100, 3))
        with pytest.raises(RefusedError, match="off the films"):
            placed([(geometry, Correspondences(points, geometry.project(points), np.ones(100)))], far)


def test_the_networks_answer_becomes_points_where_it_is_sure() -> None:
    scene = np.zeros((8, 4, 4), np.float32)
    scene[3], scene[7] = 1.0, -3.0  # entries unsure (272 mm), exits sure (5 mm)
    scene[4:7] = np.array([0.5, -1.0, 0.25])[:, None, None]
    scene[4, 0, 0] = np.nan
    points = correspondences_of(scene, MIDDLE, 64)
    assert len(points) == 15
    np.testing.assert_allclose(points.points_ct_ras_mm, np.tile(MIDDLE + np.array([50.0, -100.0, 25.0]), (15, 1)))
    np.testing.assert_allclose(points.deviation_mm, 100 * np.exp(-3.0), rtol=1e-6)
    np.testing.assert_allclose(points.pixels[0], [16 + 7.5, 7.5])  # the second block of 16 x 16 pixels
