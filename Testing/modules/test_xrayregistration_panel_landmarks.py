"""Landmarks in the panel: picked in the CT and on the films, paired, told what is missing, used."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_film
from modules.registrations import (
    a_pose_result,
    shifted,
)
from XRayLib.scene.landmark_nodes import film_landmarks, film_pixels, set_ct_points, set_film_pixels
from XRayLib.scene.matrices import local_to_world

pytestmark = pytest.mark.slicer

POINTS = np.array([[0.0, -10, 90], [30, 20, 110], [-20, 5, 120], [10, -30, 80]])
LABELS = ("1", "2", "3", "4")
TRUE = shifted(0.0, 10.0, -100.0)


@pytest.fixture
def widget(registration_case):
    return registration_case


def pixels(view: int) -> np.ndarray:
    return a_film((0.0, 90.0)[view]).geometry.project(POINTS @ TRUE[:3, :3].T + TRUE[:3, 3])


def pick_in_ct(widget, count: int) -> None:
    widget.ui.landmarkTargetComboBox.setCurrentIndex(0)
    set_ct_points(widget.panel.landmarks._target_list(), LABELS[:count], POINTS[:count])


def pick_on_film(widget, view: int, count: int) -> None:
    set_film_pixels(widget.panel.filmNodes()[view], LABELS[:count], pixels(view)[:count])


def cells(widget) -> list[list[str]]:
    table = widget.ui.landmarkTable
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_the_list_of_places_names_the_ct_and_every_film(widget) -> None:
    combo = widget.ui.landmarkTargetComboBox
    assert [combo.itemText(n) for n in range(combo.count)] == ["In the CT", "On X-ray 1 (PA)", "On X-ray 2 (LL)"]


def test_pick_puts_slicer_into_place_mode_for_the_chosen_list(widget) -> None:
    import slicer

    interaction = slicer.app.applicationLogic().GetInteractionNode()
    widget.ui.landmarkTargetComboBox.setCurrentIndex(1)
    widget.ui.pickButton.click()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    film = widget.panel.filmNodes()[0]
    assert slicer.modules.markups.logic().GetActiveListID() == film_landmarks(film).GetID()
    widget.ui.landmarkTargetComboBox.setCurrentIndex(0)
    assert slicer.modules.markups.logic().GetActiveListID() == widget.panel.parameterNode.ctLandmarks.GetID()
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)  # Escape
    assert not widget.ui.pickButton.checked
    widget.ui.pickButton.click()
    widget.ui.pickButton.click()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform


def test_film_landmarks_belong_to_their_own_view(widget) -> None:
    pick_in_ct(widget, 1)
    pick_on_film(widget, 1, 1)
    film = widget.panel.filmNodes()[1]
    assert list(film_landmarks(film).GetDisplayNode().GetViewNodeIDs()) == ["vtkMRMLSliceNodeXRay2"]
    ct_views = widget.panel.parameterNode.ctLandmarks.GetDisplayNode().GetViewNodeIDs()
    assert "vtkMRMLSliceNodeRed" in ct_views
    assert "vtkMRMLSliceNodeXRay1" not in ct_views


def test_a_position_on_the_detector_is_its_pixel_and_one_before_it_the_pixel_behind(widget) -> None:
    film = widget.panel.filmNodes()[0]
    geometry = a_film().geometry
    node = film_landmarks(film)
    on_detector = geometry.pixel_to_ras @ [12.5, 40.0, 0.0, 1.0]
    node.AddControlPointWorld(*on_detector[:3].tolist(), "1")
    halfway = (on_detector[:3] + geometry.source_ras_mm) / 2
    node.AddControlPointWorld(*halfway.tolist(), "2")
    labels, found = film_pixels(film)
    assert labels == ("1", "2")
    np.testing.assert_allclose(found, [[12.5, 40.0], [12.5, 40.0]], atol=1e-6)


def test_it_tells_what_is_missing_step_by_step(widget) -> None:
    hint, place = widget.ui.landmarkHintLabel, widget.ui.placeButton
    assert "3 or more points in the CT (0 so far)" in hint.text
    pick_in_ct(widget, 2)
    assert "(2 so far)" in hint.text
    pick_in_ct(widget, 4)
    assert "3 pairs are needed, 0 on X-ray 1, 0 on X-ray 2" in hint.text
    pick_on_film(widget, 0, 2)
    assert "2 on X-ray 1" in hint.text
    assert not place.enabled
    assert "3 pairs" in place.toolTip
    pick_on_film(widget, 0, 3)
    assert "Enough" in hint.text
    assert place.enabled


def test_the_table_pairs_points_and_shows_how_far_apart_the_pose_leaves_them(widget) -> None:
    pick_in_ct(widget, 4)
    pick_on_film(widget, 0, 4)
    pick_on_film(widget, 1, 3)
    rows = cells(widget)
    assert [row[:4] for row in rows[:3]] == [[label, "✓", "✓", "✓"] for label in LABELS[:3]]
    assert rows[3][:4] == ["4", "✓", "✓", "missing"]
    assert all(float(row[4].split()[0]) > 50 for row in rows)
    widget.panel.pose.writeToParent(TRUE)
    assert all(float(row[4].split()[0]) < 0.05 for row in cells(widget))


def test_labels_pair_in_any_order_and_foreign_labels_pair_by_order(widget) -> None:
    pick_in_ct(widget, 4)
    film = widget.panel.filmNodes()[0]
    set_film_pixels(film, LABELS[::-1], pixels(0)[::-1])
    np.testing.assert_allclose(widget.panel.landmarks.landmarks().pixels[0], pixels(0), atol=1e-6)
    set_film_pixels(film, ("a", "b", "c", "d"), pixels(0))
    np.testing.assert_allclose(widget.panel.landmarks.landmarks().pixels[0], pixels(0), atol=1e-6)


def test_points_without_a_partner_in_the_ct_are_shown_as_such(widget) -> None:
    pick_in_ct(widget, 1)
    set_film_pixels(widget.panel.filmNodes()[0], ("1", "2"), pixels(0)[:2])
    assert cells(widget)[1][:4] == ["2", "missing", "✓", "missing"]


def test_ct_landmarks_move_with_the_ct_and_keep_their_ct_coordinates(widget) -> None:
    pick_in_ct(widget, 3)
    widget.panel.pose.writeToParent(TRUE)
    node = widget.panel.parameterNode.ctLandmarks
    np.testing.assert_allclose(local_to_world(node), TRUE, atol=1e-9)
    np.testing.assert_allclose(widget.panel.landmarks.landmarks().ct_ras_mm, POINTS[:3], atol=1e-6)


def test_a_point_and_all_points_can_be_removed(widget) -> None:
    pick_in_ct(widget, 4)
    pick_on_film(widget, 0, 4)
    assert not widget.ui.removeLandmarkButton.enabled
    widget.ui.landmarkTable.selectRow(1)
    assert widget.ui.removeLandmarkButton.enabled
    widget.ui.removeLandmarkButton.click()
    assert [row[0] for row in cells(widget)] == ["1", "3", "4"]
    widget.ui.clearLandmarksButton.click()
    assert cells(widget) == []
    assert not widget.ui.clearLandmarksButton.enabled


def test_place_fits_the_landmarks_without_refinement(widget, client) -> None:
    pick_in_ct(widget, 4)
    pick_on_film(widget, 0, 4)
    widget.ui.placeButton.click()
    method, sent, options = client.runs[-1]
    assert method == "intensity"
    assert options.extra == {"initialisation": "landmarks", "refine": False}
    np.testing.assert_allclose(sent.landmarks.ct_ras_mm, POINTS, atol=1e-6)
    np.testing.assert_allclose(sent.landmarks.pixels[0], pixels(0), atol=1e-6)
    assert np.isnan(sent.landmarks.pixels[1]).all()
    client.answer(a_pose_result(TRUE, accepted=False))  # an unrefined pose is a start, judged by nobody
    assert "Placed by landmarks" in widget.ui.cardLabel.text
    assert all(float(row[4].split()[0]) < 0.05 for row in cells(widget))


def test_a_start_from_landmarks_needs_them(widget) -> None:
    node = widget.panel.parameterNode
    node.start = type(node.start).LANDMARKS
    assert not widget.ui.applyButton.enabled
    assert "3 or more points" in widget.ui.applyButton.toolTip
    pick_in_ct(widget, 3)
    pick_on_film(widget, 1, 3)
    assert widget.ui.applyButton.enabled
    assert "Enough" in widget.ui.startHintLabel.text


def test_landmarks_come_back_with_a_saved_scene(widget, slicer_main_window, tmp_path) -> None:
    pick_in_ct(widget, 4)
    pick_on_film(widget, 0, 4)
    widget.panel.pose.writeToParent(TRUE)
    slicer_main_window.session.save_scene(tmp_path / "landmarks.mrb")
    slicer_main_window.session.clear()
    slicer_main_window.session.load_scene(tmp_path / "landmarks.mrb")
    slicer_main_window.process_events()
    widget.initializeParameterNode()
    found = widget.panel.landmarks.landmarks()
    np.testing.assert_allclose(found.ct_ras_mm, POINTS, atol=1e-3)
    np.testing.assert_allclose(found.pixels[0], pixels(0), atol=1e-3)
    assert widget.ui.placeButton.enabled
