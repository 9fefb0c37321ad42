"""What the registration panel computes by itself: pairs, distances, errors per direction, undo, comparison pictures."""

from __future__ import annotations

import numpy as np
import pytest
from modules.films import a_film, a_geometry
from XRayLib.direction_errors import direction_errors
from XRayRegistrationLib.landmark_pairs import (
    PickedPoints,
    is_enough,
    landmark_distances_mm,
    pair_counts,
    pair_landmarks,
    partners,
)
from XRayRegistrationLib.overlay_images import checkerboard, difference, edge_field, edge_threshold, fitted_to_film
from XRayRegistrationLib.pose_history import PoseHistory

CT = PickedPoints(("1", "2", "3", "4"), np.array([[0.0, 0, 0], [40, 0, 0], [0, 40, 0], [0, 0, 40]]))


def on_film(labels: tuple[str, ...]) -> PickedPoints:
    """Each label at a column of its own."""
    return PickedPoints(labels, np.array([[10.0 * int(label), 5.0] for label in labels]).reshape(-1, 2))


def test_a_point_that_is_picked_anew_pairs_with_the_one_that_is_left() -> None:
    assert partners(("1", "2", "3", "4"), ("1", "3", "4", "5")) == [0, 2, 3, 1]
    assert partners(("1", "2"), ("a", "b", "c")) == [0, 1, None]
    assert partners(("1", "2", "3"), ("2", "2")) == [0, 1]


def test_labels_pair_whatever_their_order() -> None:
    landmarks = pair_landmarks(CT, [on_film(("3", "1"))])
    np.testing.assert_array_equal(landmarks.pixels[0, :, 0], [10, np.nan, 30, np.nan])


def test_labels_of_their_own_pair_by_order() -> None:
    film = PickedPoints(("A", "B"), np.array([[1.0, 1], [2, 2]]))
    np.testing.assert_array_equal(pair_landmarks(CT, [film]).pixels[0, :, 0], [1, 2, np.nan, np.nan])


def test_a_label_used_twice_pairs_by_order() -> None:
    film = PickedPoints(("1", "1"), np.array([[1.0, 1], [2, 2]]))
    np.testing.assert_array_equal(pair_landmarks(CT, [film]).pixels[0, :, 0], [1, 2, np.nan, np.nan])


def test_more_points_on_the_film_than_in_the_ct_are_left_out() -> None:
    film = PickedPoints(("a", "b", "c", "d", "e"), np.arange(10.0).reshape(5, 2))
    assert pair_counts(pair_landmarks(CT, [film])) == [4]


def test_three_pairs_on_one_view_are_enough() -> None:
    assert not is_enough(pair_landmarks(CT, []))
    assert not is_enough(pair_landmarks(CT, [on_film(("1", "2")), on_film(("3", "4"))]))
    assert is_enough(pair_landmarks(CT, [on_film(()), on_film(("1", "2", "4"))]))


def test_distances_are_those_in_the_patient_not_on_the_detector() -> None:
    geometry = a_geometry(0.0)
    pixels = geometry.project(CT.coordinates)
    landmarks = pair_landmarks(CT, [PickedPoints(CT.labels, pixels)])
    np.testing.assert_allclose(landmark_distances_mm(landmarks, [geometry], np.eye(4)), 0, atol=1e-9)
    shifted = np.eye(4)
    shifted[0, 3] = 3.0  # across the beam at the isocentre: 3 mm there, 4.4 mm on the detector
    assert landmark_distances_mm(landmarks, [geometry], shifted)[0, 0] == pytest.approx(3.0, rel=1e-3)
    along = np.eye(4)
    along[1, 3] = 3.0  # along the central ray: nothing to see
    assert landmark_distances_mm(landmarks, [geometry], along)[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_a_point_that_was_not_picked_or_lies_behind_the_source_has_no_distance() -> None:
    geometry = a_geometry(0.0)
    landmarks = pair_landmarks(CT, [on_film(("1",))])
    distances = landmark_distances_mm(landmarks, [geometry], np.eye(4))
    assert np.isfinite(distances[0]).tolist() == [True, False, False, False]
    behind = np.eye(4)
    behind[1, 3] = -900.0
    assert np.isnan(landmark_distances_mm(landmarks, [geometry], behind)).all()


def test_depth_of_a_frontal_view_is_front_to_back() -> None:
    covariance = np.diag([0.1**2, 4.0**2, 0.2**2, np.deg2rad(0.5) ** 2, 0, 0])
    errors = direction_errors(covariance, (0.0, 0.0, 0.0), [a_geometry(0.0), a_geometry(90.0)])
    np.testing.assert_allclose(errors.shift_mm, [0.1, 4.0, 0.2])
    np.testing.assert_allclose(errors.rotation_deg, [0.5, 0, 0])
    np.testing.assert_allclose(errors.depth_mm, [4.0, 0.1], rtol=1e-6)
    np.testing.assert_allclose(errors.across_mm, [0.2, 4.0], rtol=1e-6)


def test_depth_is_along_the_ray_through_the_ct_not_along_the_middle_of_the_film() -> None:
    covariance = np.diag([0, 1.0, 0, 0, 0, 0])
    aside = direction_errors(covariance, (700.0, 0.0, 0.0), [a_geometry(0.0)])  # 45 degrees off the central ray
    assert aside.depth_mm[0] == pytest.approx(np.sqrt(0.5))


def pose(shift_mm: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[0, 3] = shift_mm
    return matrix


def test_a_drag_is_one_step() -> None:
    history = PoseHistory(pose(0))
    for shift in (1, 2, 3):
        history.moved(pose(shift))
    history.settle()
    history.moved(pose(9))
    assert history.undo()[0, 3] == 3
    assert history.undo()[0, 3] == 0
    assert not history.can_undo
    assert [history.redo()[0, 3], history.redo()[0, 3]] == [3, 9]
    assert not history.can_redo


def test_moving_after_undo_forgets_what_was_undone() -> None:
    history = PoseHistory(pose(0))
    history.moved(pose(1))
    history.undo()
    history.moved(pose(5))
    history.settle()
    assert not history.can_redo


def test_a_note_belongs_to_its_pose() -> None:
    history = PoseHistory(pose(0))
    history.moved(pose(1))
    history.settle()
    history.annotate("registered")
    history.moved(pose(2))
    assert history.note is None
    history.undo()
    assert history.note == "registered"


def test_coming_back_to_rest_where_it_was_is_no_step() -> None:
    history = PoseHistory(pose(0))
    history.moved(pose(1))
    history.moved(pose(0))
    history.settle()
    assert not history.can_undo


def test_a_fitted_reprojection_has_the_films_grey_levels() -> None:
    film = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    np.testing.assert_allclose(fitted_to_film(3 * film - 7, film), film, atol=1e-5)
    mask = np.zeros(film.shape, bool)
    mask[5:15] = True
    disturbed = np.where(mask, 0.5 * film, 100.0).astype(np.float32)
    np.testing.assert_allclose(fitted_to_film(disturbed, film, mask)[mask], film[mask], atol=1e-4)


def test_a_fit_never_turns_bone_dark() -> None:
    film = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    fitted = fitted_to_film(-film, film)
    assert np.corrcoef(fitted.ravel(), -film.ravel())[0, 1] > 0.99
    flat = fitted_to_film(np.zeros_like(film), film)
    np.testing.assert_allclose(flat, film.mean(), rtol=1e-6)


def test_checkerboard_and_difference() -> None:
    film, other = np.zeros((64, 64), np.float32), np.ones((64, 64), np.float32)
    board = checkerboard(film, other)
    assert (board[0, 0], board[0, 8], board[8, 0], board[8, 8]) == (0, 1, 1, 0)
    assert board.mean() == pytest.approx(0.5)
    mask = np.zeros((64, 64), bool)
    mask[:32] = True
    found = difference(film, other, mask)
    assert (found[:32] == -1).all()
    assert (found[32:] == 0).all()


def test_the_edge_field_is_zero_on_the_edge_and_strong_there() -> None:
    image = np.zeros((64, 64), np.float32)
    image[:, 32:] = 1.0  # the edge lies between columns 31 and 32
    zero, strength = edge_field(image)
    assert (zero[32, 31] > 0) and (zero[32, 32] < 0)
    assert strength[32].argmax() in (31, 32)
    assert strength[32, 31] >= edge_threshold(strength)


def test_coarse_films_are_means_and_keep_their_place() -> None:
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    from XRayRegistrationLib.panel_reprojection import block_means

    image = np.arange(48.0).reshape(6, 8)
    np.testing.assert_allclose(block_means(image, (4, 3)), image.reshape(3, 2, 4, 2).mean(axis=(1, 3)))
    ragged = block_means(np.ones((7, 5)), (2, 3))
    np.testing.assert_allclose(ragged, 1.0)
    assert block_means(a_film().line_integral, (64, 64)).tolist() == a_film().line_integral.tolist()
