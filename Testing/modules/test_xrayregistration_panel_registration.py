"""Registering from the panel: the buttons, the card, refusal, acceptance, undo; the test plays the worker."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct, a_film
from modules.registrations import (
    a_pose_result,
    shifted,
)
from XRayLib.scene.matrices import local_to_world, vtk_matrix
from XRayLib.scene.pose_nodes import pose_matrix
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def widget(registration):
    return registration


@pytest.fixture
def case(registration_case):
    return registration_case


def register(widget, client, result) -> None:
    widget.ui.applyButton.click()
    client.answer(result)


def set_start(widget, name: str) -> None:
    widget.panel.parameterNode.start = type(widget.panel.parameterNode.start)[name]


def test_register_says_what_is_missing(widget) -> None:
    ui, node = widget.ui, widget.panel.parameterNode
    assert not ui.applyButton.enabled
    assert "X-ray" in ui.applyButton.toolTip
    widget.panel.addFilm(put_radiograph(a_film(), "PA"))
    assert not ui.applyButton.enabled
    assert "CT" in ui.applyButton.toolTip
    node.ctVolume = put_volume(a_ct(), "CT")
    assert ui.applyButton.enabled
    assert not ui.refineButton.enabled
    assert "Place or register" in ui.refineButton.toolTip
    assert not ui.acceptButton.enabled
    assert "first" in ui.acceptButton.toolTip
    assert not ui.editButton.enabled
    assert not ui.showAnywayButton.isVisibleTo(widget.parent)


def test_nothing_is_registered_while_films_are_still_being_loaded(case) -> None:
    assert case.ui.applyButton.enabled
    case.panel.adding.addFiles(["third.dcm"])
    for button in (case.ui.applyButton, case.ui.refineButton, case.ui.registerSequenceButton):
        assert not button.enabled
    assert "still being loaded" in case.ui.applyButton.toolTip


def test_every_method_of_registration_can_be_chosen(case, client) -> None:
    from XRayLib.registry import methods

    titles = {method.title for method in methods().values() if method.returns in ("pose", "deformation")}
    combo = case.ui.methodComboBox
    assert {combo.itemText(index) for index in range(combo.count)} == titles
    assert combo.itemData(0) == "intensity"
    for index in range(combo.count):
        combo.setCurrentIndex(index)
        assert case.panel.parameterNode.method == combo.itemData(index)
        assert case.ui.methodCardLabel.text
        case.ui.applyButton.click()
        assert client.runs[-1][0] == combo.itemData(index)
        client.cancelled_by_user()


def test_a_result_moves_ct_and_ticked_nodes_together(case, client, slicer_main_window) -> None:
    import qt
    import slicer

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Liver")
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Femur")
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Table")
    slicer_main_window.wait_until(lambda: case.ui.attachedList.count == 3)
    items = [case.ui.attachedList.item(row) for row in range(case.ui.attachedList.count)]
    assert [item.text() for item in items] == ["Femur", "Liver", "Table"]
    for item in items[:2]:
        item.setCheckState(qt.Qt.Checked)
    register(case, client, a_pose_result(shifted(10, -20, 30)))
    node = case.panel.parameterNode
    for moved in (node.ctVolume, segmentation, model):
        np.testing.assert_allclose(local_to_world(moved), shifted(10, -20, 30), atol=1e-9)
    np.testing.assert_allclose(local_to_world(other), np.eye(4))
    assert len({moved.GetTransformNodeID() for moved in (node.ctVolume, segmentation, model)}) == 1
    case.ui.attachedList.item(0).setCheckState(qt.Qt.Unchecked)
    assert model.GetTransformNodeID() is None


def test_the_pose_carries_its_quality_and_provenance(case, client) -> None:
    register(case, client, a_pose_result(shifted(5)))
    transform = case.panel.parameterNode.poseTransform
    assert transform.GetAttribute("XRay3D.Method") == "intensity"
    quality = json.loads(transform.GetAttribute("XRay3D.Quality"))
    assert quality["confidence"] == 0.97
    assert quality["accepted"] is True
    np.testing.assert_allclose(np.diag(quality["covariance_mm_rad"])[1], 0.16)
    assert json.loads(transform.GetAttribute("XRay3D.Provenance")) == {"method": "intensity", "seed": 0}
    assert "Research use only" in transform.GetAttribute("XRay3D.Statement")


def test_the_card_tells_confidence_errors_similarity_time_and_warnings(case, client) -> None:
    register(case, client, a_pose_result(shifted(5), depth_mm=0.4))
    text = case.ui.cardLabel.text
    for part in ("97 %", "2 mm", "Front - back", "±0.4 mm", "Depth of X-ray 1 (PA)", "0.910", "2.0 s", "assumed"):
        assert part in text
    assert "uncertain" not in text


def test_weak_depth_of_one_view_is_said_in_words(widget, client) -> None:
    widget.panel.addFilm(put_radiograph(a_film(), "PA"))
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    register(widget, client, a_pose_result(np.eye(4), depth_mm=6.3))
    assert "Depth from one view is uncertain: ±6.2 mm along the ray" in widget.ui.cardLabel.text
    assert "5 mm" in widget.ui.cardLabel.text  # what one view is judged by


def test_a_refused_result_moves_nothing_until_the_user_wants_to_see_it(case, client) -> None:
    before = local_to_world(case.panel.parameterNode.ctVolume)
    register(case, client, a_pose_result(shifted(200), accepted=False))
    ui, node = case.ui, case.panel.parameterNode
    np.testing.assert_allclose(local_to_world(node.ctVolume), before)
    assert "#c62828" in ui.cardLabel.text
    assert "another patient" in ui.cardLabel.text
    assert "not moved" in ui.statusLabel.text
    assert ui.showAnywayButton.isVisibleTo(case.parent)
    ui.showAnywayButton.click()
    np.testing.assert_allclose(local_to_world(node.ctVolume), shifted(200))
    assert json.loads(node.poseTransform.GetAttribute("XRay3D.Quality"))["accepted"] is False
    assert "Refused" in ui.cardLabel.text
    assert "although" in ui.acceptButton.toolTip
    assert not ui.showAnywayButton.isVisibleTo(case.parent)
    ui.undoButton.click()
    np.testing.assert_allclose(local_to_world(node.ctVolume), before)


def test_a_new_job_forgets_the_refused_result(case, client) -> None:
    register(case, client, a_pose_result(shifted(200), accepted=False))
    register(case, client, a_pose_result(shifted(3)))
    assert not case.ui.showAnywayButton.isVisibleTo(case.parent)
    assert "Refused" not in case.ui.cardLabel.text


def test_accept_locks_the_pose_until_edit(case, client) -> None:
    register(case, client, a_pose_result(shifted(5)))
    ui, node = case.ui, case.panel.parameterNode
    ui.acceptButton.click()
    assert node.poseTransform.GetAttribute("XRay3D.ConfirmedByUser") == "true"
    assert "Accepted by you" in ui.cardLabel.text
    for name in ("translationRSlider", "rotationSSlider", "applyButton", "refineButton", "resetButton", "undoButton"):
        assert not getattr(ui, name).enabled, name
    assert not ui.centerButton.enabled
    assert "Edit" in ui.translationRSlider.toolTip
    assert "Edit" in ui.applyButton.toolTip
    ui.editButton.click()
    assert ui.translationRSlider.enabled
    assert ui.applyButton.enabled
    assert "Accepted by you" not in ui.cardLabel.text


def test_a_pose_set_by_hand_can_be_accepted_and_none_before(case) -> None:
    for value in (0.0, 5.0, 0.0):
        case.ui.translationRSlider.value = value
        assert case.ui.acceptButton.enabled == (value > 0)
    assert "first" in case.ui.acceptButton.toolTip
    case.ui.translationRSlider.value = 12.0
    case.ui.acceptButton.click()
    transform = case.panel.parameterNode.poseTransform
    assert transform.GetAttribute("XRay3D.Method") == "by hand"
    assert transform.GetAttribute("XRay3D.ConfirmedByUser") == "true"


def test_an_accepted_pose_that_something_else_moves_is_accepted_no_more(case, client) -> None:
    register(case, client, a_pose_result(shifted(5)))
    case.ui.acceptButton.click()
    case.panel.parameterNode.poseTransform.SetMatrixTransformToParent(vtk_matrix(shifted(50)))
    case.panel.refresh()
    assert "Accepted by you" not in case.ui.cardLabel.text
    assert "Moved by hand" in case.ui.cardLabel.text
    assert case.ui.translationRSlider.enabled


def test_moving_by_hand_takes_the_quality_away_and_undo_brings_it_back(case, client) -> None:
    register(case, client, a_pose_result(shifted(5)))
    case.ui.translationASlider.value = 40.0
    assert "Moved by hand" in case.ui.cardLabel.text
    case.ui.undoButton.click()
    assert "97 %" in case.ui.cardLabel.text


def test_undo_goes_back_to_an_earlier_registration_with_its_own_quality(case, client) -> None:
    register(case, client, a_pose_result(shifted(5), confidence=0.81))
    register(case, client, a_pose_result(shifted(6), confidence=0.95))
    case.ui.undoButton.click()
    assert pose_matrix(case.panel.parameterNode.poseTransform)[0, 3] == pytest.approx(5.0)
    assert "81 %" in case.ui.cardLabel.text
    case.ui.redoButton.click()
    assert "95 %" in case.ui.cardLabel.text


def test_undo_of_the_first_registration_leaves_nothing_said_of_the_pose(case, client) -> None:
    register(case, client, a_pose_result(shifted(5)))
    assert "97 %" in case.ui.cardLabel.text
    case.ui.undoButton.click()
    assert case.ui.cardLabel.text == ""
    case.ui.redoButton.click()
    assert "97 %" in case.ui.cardLabel.text


@pytest.mark.parametrize(
    ("start", "initialisation", "has_initial"),
    [("AUTO", "auto", False), ("CENTER", "given", True), ("SEARCH", "search", False), ("GIVEN", "given", True)],
)
def test_each_start_reaches_the_worker(case, client, start, initialisation, has_initial) -> None:
    set_start(case, start)
    case.ui.applyButton.click()
    _method, sent, options = client.runs[-1]
    assert options.extra["initialisation"] == initialisation
    assert (sent.initial_ct_to_world is not None) == has_initial
    assert case.ui.startHintLabel.text
    if start == "CENTER":
        np.testing.assert_allclose(sent.initial_ct_to_world[:3, 3], -a_ct().center_ras_mm, atol=1e-6)


def test_automatic_starts_where_the_ct_was_placed(case, client) -> None:
    case.ui.translationRSlider.value = 25.0
    assert "where the CT is now" in case.ui.startHintLabel.text or case.panel.refresh() is None
    case.ui.applyButton.click()
    np.testing.assert_allclose(client.runs[-1][1].initial_ct_to_world, shifted(25), atol=1e-6)


def test_refine_starts_from_the_present_pose(case, client) -> None:
    set_start(case, "SEARCH")
    case.ui.translationSSlider.value = 8.0
    assert case.ui.refineButton.enabled
    case.ui.refineButton.click()
    _method, sent, options = client.runs[-1]
    assert options.extra["initialisation"] == "given"
    np.testing.assert_allclose(sent.initial_ct_to_world, shifted(0, 0, 8), atol=1e-6)


def test_the_geometry_is_corrected_only_when_asked(case, client) -> None:
    case.ui.applyButton.click()
    assert "refine_intrinsics" not in client.runs[-1][2].extra
    client.cancelled_by_user()
    case.ui.intrinsicsCheckBox.checked = True
    case.ui.applyButton.click()
    assert client.runs[-1][2].extra["refine_intrinsics"] is True


def test_progress_cancel_and_the_buttons_while_a_job_runs(case, client) -> None:
    case.ui.translationSSlider.value = 8.0
    case.ui.applyButton.click()
    client.progress(0.3, "Searching")
    ui = case.ui
    assert ui.progressBar.value == 30
    assert "12 s left" in ui.statusLabel.text
    for button in (ui.applyButton, ui.refineButton, ui.placeButton, ui.registerSequenceButton):
        assert not button.enabled
        assert "running" in button.toolTip
    ui.cancelButton.click()
    assert client.cancelled == 1
    client.cancelled_by_user()
    assert ui.applyButton.enabled
    assert ui.refineButton.enabled
    assert pose_matrix(case.panel.parameterNode.poseTransform)[2, 3] == pytest.approx(8.0)


def test_out_of_memory_repeats_the_same_job_on_the_cpu(case, client) -> None:
    case.ui.translationSSlider.value = 8.0
    case.ui.refineButton.click()
    client.fail(code="out_of_memory", message="The graphics card ran out of memory.", offer_cpu=True)
    case.ui.runOnCpuButton.click()
    _method, _case, options = client.runs[-1]
    assert options.device == "cpu"
    assert options.extra["initialisation"] == "given"


def test_a_job_that_fails_moves_nothing_and_says_why(case, client) -> None:
    case.ui.applyButton.click()
    client.fail(code="bad_input", message="The film is empty: choose another.")
    assert "film is empty" in case.ui.statusLabel.text
    assert case.panel.parameterNode.poseTransform is None


def test_a_result_above_a_table_transform_puts_the_ct_where_it_says(case, client) -> None:
    """The pose transform is itself under another transform, as after patient positioning."""
    import slicer

    case.ui.translationRSlider.value = 1.0
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Table")
    table.SetMatrixTransformToParent(vtk_matrix(shifted(0, 100, 0)))
    case.panel.parameterNode.poseTransform.SetAndObserveTransformNodeID(table.GetID())
    register(case, client, a_pose_result(shifted(3, 4, 5)))
    np.testing.assert_allclose(local_to_world(case.panel.parameterNode.ctVolume), shifted(3, 4, 5), atol=1e-9)


def test_handles_can_be_shown_and_turn_the_ct_about_its_middle(case) -> None:
    case.ui.translationRSlider.value = 1.0
    case.ui.handlesCheckBox.checked = True
    transform = case.panel.parameterNode.poseTransform
    display = transform.GetDisplayNode()
    assert display.GetEditorVisibility()
    assert display.GetEditorSliceIntersectionVisibility()
    assert not display.GetEditorScalingEnabled()
    np.testing.assert_allclose(transform.GetCenterOfTransformation(), a_ct().center_ras_mm)
    case.ui.acceptButton.click()
    assert not display.GetEditorVisibility()


def test_closing_the_scene_drops_the_running_job(case, client, slicer_main_window) -> None:
    case.ui.applyButton.click()
    slicer_main_window.session.scene.Clear(0)
    assert client.invalidated == 1
    assert not case.ui.applyButton.enabled
    assert not case.ui.cancelButton.enabled
    assert case.ui.cardLabel.text == ""
    client.answer(a_pose_result(shifted(5)))  # one that was on its way
    assert slicer_main_window.session.scene.GetFirstNodeByName("CT pose") is None


def test_everything_comes_back_with_a_saved_scene(case, client, slicer_main_window, tmp_path) -> None:
    register(case, client, a_pose_result(shifted(5, 6, 7)))
    case.ui.acceptButton.click()
    set_start(case, "SEARCH")
    case.ui.intrinsicsCheckBox.checked = True
    case.ui.overlayModeComboBox.setCurrentIndex(1)
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer_main_window.session.clear()
    assert case.ui.cardLabel.text == ""
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.process_events()
    case.initializeParameterNode()
    node, ui = case.panel.parameterNode, case.ui
    np.testing.assert_allclose(local_to_world(node.ctVolume), shifted(5, 6, 7), atol=1e-9)
    assert "97 %" in ui.cardLabel.text
    assert "Accepted by you" in ui.cardLabel.text
    assert not ui.translationRSlider.enabled
    assert node.start.name == "SEARCH"
    assert node.refineIntrinsics
    assert node.overlayMode.value == "contours"
    assert ui.editButton.enabled


def test_the_cloud_of_a_network_is_shown_with_its_uncertainty(case, client) -> None:
    from dataclasses import replace

    from XRayLib.case import PointCloud

    cloud = PointCloud(np.array([[0.0, 0, 0], [1, 2, 3], [4, 5, 6]]), np.array([0.5, 1.0, 2.0]))
    register(case, client, replace(a_pose_result(shifted(5)), point_cloud=cloud))
    model = case.panel.parameterNode.pointCloud
    assert model.GetPolyData().GetNumberOfVerts() == 3
    assert model.GetPolyData().GetPointData().GetScalars().GetTuple1(2) == 2.0
    np.testing.assert_allclose(local_to_world(model), shifted(5))
    case.ui.pointCloudCheckBox.checked = False
    assert not model.GetDisplayNode().GetVisibility()
