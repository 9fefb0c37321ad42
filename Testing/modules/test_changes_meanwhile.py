"""The user changes the case while something runs, or after: nothing is mixed up, and no panel waits for ever."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct, a_film, an_assumed_film
from modules.reconstructions import add_two_films
from modules.registrations import a_pose_result, shifted
from XRayLib.scene.film_run import put_film_run
from XRayLib.scene.film_views import view_of_film
from XRayLib.scene.landmark_nodes import new_ct_landmarks, set_ct_points
from XRayLib.scene.matrices import local_to_world, vtk_matrix
from XRayLib.scene.radiograph_nodes import radiograph_from_node
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


def register(widget, client, shift: float) -> None:
    widget.ui.applyButton.click()
    client.answer(a_pose_result(shifted(shift)))


# Another CT


def test_another_ct_stays_where_it_is_and_the_first_comes_back_with_its_pose(registration_case, client) -> None:
    node, first = registration_case.panel.parameterNode, registration_case.panel.parameterNode.ctVolume
    register(registration_case, client, 12.0)
    second = put_volume(a_ct(), "Second")
    registration_case.ui.ctSelector.setCurrentNode(second)
    assert node.ctVolume is second
    np.testing.assert_allclose(local_to_world(second), np.eye(4))
    np.testing.assert_allclose(local_to_world(first), shifted(12), atol=1e-9)
    assert "97 %" not in registration_case.ui.cardLabel.text
    register(registration_case, client, 30.0)
    np.testing.assert_allclose(local_to_world(second), shifted(30), atol=1e-9)
    registration_case.ui.ctSelector.setCurrentNode(first)
    np.testing.assert_allclose(local_to_world(first), shifted(12), atol=1e-9)
    np.testing.assert_allclose(local_to_world(second), shifted(30), atol=1e-9)
    assert "97 %" in registration_case.ui.cardLabel.text


def test_the_worker_keeps_one_ct_and_none_of_a_closed_scene(registration_case, client) -> None:
    node = registration_case.panel.parameterNode
    assert client.volumes == [node.ctVolume.GetID()]
    second = put_volume(a_ct(), "Second")
    registration_case.ui.ctSelector.setCurrentNode(second)
    assert client.volumes == [second.GetID()]
    slicer.mrmlScene.Clear(False)
    assert client.volumes == []


def test_another_ct_has_its_own_landmarks(registration_case) -> None:
    node, first = registration_case.panel.parameterNode, registration_case.panel.parameterNode.ctVolume
    node.ctLandmarks = new_ct_landmarks(first)
    set_ct_points(node.ctLandmarks, ["a"], [(0.0, 0.0, 0.0)])
    own = node.ctLandmarks
    registration_case.ui.ctSelector.setCurrentNode(put_volume(a_ct(), "Second"))
    assert node.ctLandmarks is None
    assert registration_case.ui.landmarkTable.rowCount == 0
    registration_case.ui.ctSelector.setCurrentNode(first)
    assert node.ctLandmarks is own
    assert registration_case.ui.landmarkTable.rowCount == 1


def test_a_ct_after_a_deleted_one_has_no_pose_no_card_and_no_overlays(registration_case, client) -> None:
    node, ui = registration_case.panel.parameterNode, registration_case.ui
    node.liveReprojection = True
    register(registration_case, client, 12.0)
    former = node.ctVolume.GetID()
    film = view_of_film(node.films[0]).GetSliceCompositeNode()
    assert film.GetForegroundVolumeID()
    slicer.mrmlScene.RemoveNode(node.ctVolume)
    assert node.poseTransform is None
    assert not film.GetForegroundVolumeID()
    assert "correlation" not in ui.qualityLabel.text
    assert ui.cardLabel.text == ""
    ui.ctSelector.setCurrentNode(a_ct_with_the_id(former))
    np.testing.assert_allclose(local_to_world(node.ctVolume), np.eye(4))
    assert "97 %" not in ui.cardLabel.text
    assert "correlation" in ui.qualityLabel.text


def test_a_ct_that_took_a_deleted_ones_place_while_the_user_was_away_has_no_pose(
    registration_case, client, slicer_main_window
) -> None:
    node = registration_case.panel.parameterNode
    register(registration_case, client, 12.0)
    former = node.ctVolume.GetID()
    slicer_main_window.open_module("X2CTRecon")
    slicer.mrmlScene.RemoveNode(node.ctVolume)
    node.ctVolume = a_ct_with_the_id(former)
    slicer_main_window.open_module("XRayRegistration")
    np.testing.assert_allclose(local_to_world(node.ctVolume), np.eye(4))
    assert "97 %" not in registration_case.ui.cardLabel.text


def a_ct_with_the_id(node_id: str):
    """Slicer may give the ID of a deleted node to the next one of its class."""
    node = slicer.mrmlScene.AddNewNodeByClassWithID("vtkMRMLScalarVolumeNode", "Next patient", node_id)
    return put_volume(a_ct(), "Next patient", node)


def test_a_pose_that_is_chosen_for_another_ct_is_used(registration_case, client) -> None:
    register(registration_case, client, 12.0)
    node, pose = registration_case.panel.parameterNode, registration_case.panel.parameterNode.poseTransform
    second = put_volume(a_ct(), "Second")
    registration_case.ui.ctSelector.setCurrentNode(second)
    registration_case.ui.transformSelector.setCurrentNode(pose)
    assert node.poseTransform is pose
    np.testing.assert_allclose(local_to_world(second), shifted(12), atol=1e-9)


def test_a_pose_of_the_ct_that_was_chosen_before_is_not_used(registration_case, client) -> None:
    registration_case.ui.applyButton.click()
    second = put_volume(a_ct(), "Second")
    registration_case.ui.ctSelector.setCurrentNode(second)
    client.answer(a_pose_result(shifted(12)))
    np.testing.assert_allclose(local_to_world(second), np.eye(4))
    assert "Another CT" in registration_case.ui.statusLabel.text


# The pose by hand


def test_the_card_says_when_its_films_have_changed(registration_case, client, slicer_main_window, tmp_path) -> None:
    node, card = registration_case.panel.parameterNode, registration_case.ui.cardLabel
    register(registration_case, client, 12.0)
    assert "97 %" in card.text
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Table")
    node.films[0].SetAndObserveTransformNodeID(table.GetID())
    table.SetMatrixTransformToParent(vtk_matrix(shifted(superior=20.0)))
    slicer_main_window.wait_until(lambda: "X-rays have changed" in card.text)
    assert "97 %" not in card.text
    table.SetMatrixTransformToParent(vtk_matrix(np.eye(4)))
    slicer_main_window.wait_until(lambda: "97 %" in card.text)
    registration_case.panel.films.rows[1].removeButton.click()
    assert "X-rays have changed" in card.text
    register(registration_case, client, 13.0)
    assert "97 %" in card.text
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer.mrmlScene.Clear(False)
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    registration_case.panel.refresh()
    assert "97 %" in card.text


def test_one_slider_changes_one_number_of_a_pose_that_no_slider_can_show(registration_case, client) -> None:
    register(registration_case, client, 900.0)
    registration_case.ui.translationASlider.value = 4.0
    expected = shifted(900.0, anterior=4.0)
    np.testing.assert_allclose(local_to_world(registration_case.panel.parameterNode.ctVolume), expected, atol=1e-6)


# Jobs that cannot go on


def test_a_run_whose_ct_is_deleted_ends_and_says_so(run, client, monkeypatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, **_more: told.append(text))
    run.ui.registerSequenceButton.click()
    slicer.mrmlScene.RemoveNode(run.panel.parameterNode.ctVolume)
    client.answer(a_pose_result(shifted(10)))
    assert not run.panel.runs.bar.running
    assert told


def test_a_pose_that_begins_to_scale_disables_register(registration_case, client) -> None:
    register(registration_case, client, 12.0)
    assert registration_case.ui.applyButton.enabled
    pose = registration_case.panel.parameterNode.poseTransform
    pose.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 1, 1, 1])))
    registration_case.panel.refresh()
    assert not registration_case.ui.applyButton.enabled
    assert "scales" in registration_case.ui.applyButton.toolTip


def test_the_view_of_a_run_is_that_of_all_its_frames(reconstruction) -> None:
    browser, film = put_film_run("Run", [an_assumed_film(), an_assumed_film()])
    reconstruction.panel.addRun(browser, [film])
    row = reconstruction.panel.films.rows[0]
    row.viewComboBox.setCurrentIndex(row.viewComboBox.findText("left lateral"))
    row.distanceSpinBox.value = 1500
    for index in (1, 0):
        browser.SetSelectedItemNumber(index)
        radiograph = radiograph_from_node(film)
        assert radiograph.view == "LL"
        assert radiograph.geometry.source_to_detector_mm == pytest.approx(1500)


# Films that were being loaded


def test_films_that_were_being_loaded_are_not_awaited_after_the_scene_is_closed(reconstruction, client) -> None:
    reconstruction.panel.adding.addFiles(["a.dcm", "b.dcm"])
    slicer.mrmlScene.Clear(False)
    assert reconstruction.panel.adding.coming == 0
    add_two_films(reconstruction)
    assert reconstruction.ui.applyButton.enabled


def test_no_picture_of_a_patient_stays_behind_when_the_scene_is_closed(reconstruction, client) -> None:
    picture = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Picture")
    slicer.util.updateVolumeFromArray(picture, np.ones((1, 8, 8), np.float32))
    reconstruction.ui.sceneImageSelector.setCurrentNode(picture)
    reconstruction.ui.addNodeButton.click()
    file = client.asked[-1][1]
    assert Path(file).is_file()
    slicer.mrmlScene.Clear(False)
    assert not Path(file).exists()


def test_a_film_that_cannot_be_put_into_the_scene_stops_no_other(reconstruction, client) -> None:
    reconstruction.panel.adding.addFiles(["a.dcm", "b.dcm"])
    with pytest.raises(AttributeError):
        client.answer(SimpleNamespace())
    client.answer(SimpleNamespace(radiograph=a_film()))
    assert [node.GetName() for node in reconstruction.panel.filmNodes()] == ["b"]
    assert reconstruction.panel.adding.coming == 0


def test_the_same_film_belongs_to_the_case_once(reconstruction) -> None:
    film = add_two_films(reconstruction)[0]
    reconstruction.panel.addFilm(film)
    assert len(reconstruction.panel.filmNodes()) == 2
