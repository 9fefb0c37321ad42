"""An organ in the registration panel: what a deformable method is told of it; a deformation that the user hardens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct
from modules.organs import a_ball, a_model, a_segmentation
from modules.registrations import (
    a_pose_result,
    shifted,
)
from vtk.util.numpy_support import vtk_to_numpy
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.scene.volume_nodes import volume_from_node

pytestmark = pytest.mark.slicer


@pytest.fixture
def torch_is_there(monkeypatch) -> None:
    monkeypatch.setattr("XRayLib.scene.panel.preparation.torch_installed", lambda: True)


@pytest.fixture
def widget(torch_is_there, registration_case):
    registration_case.panel.parameterNode.liveReprojection = False
    choose(registration_case.ui.methodComboBox, "deformable")
    return registration_case


def choose(combo, what: str) -> None:
    combo.setCurrentIndex([combo.itemData(index) for index in range(combo.count)].index(what))


def liver_labels() -> Volume:
    labels = np.zeros(a_ct().voxels.shape, np.float32)
    labels[14:26, 14:26, 14:26] = 5
    return Volume(labels, a_ct().ijk_to_ras, "label")


def a_deformed_result():
    """The part of the CT right of its middle moves 10 mm toward the feet, before a shift of 5 mm to the right."""
    ct = a_ct()
    vectors = np.zeros((*ct.voxels.shape, 3), np.float32)
    vectors[..., 2] = 10.0
    field = DisplacementField(vectors, ct.ijk_to_ras)
    result = a_pose_result(shifted(right=5.0))
    return replace(result, method="deformable", deformation=field, quality={"folding_fraction": 0.0})


def test_a_model_goes_to_a_deformable_method_and_to_no_other(widget, client) -> None:
    organ = a_ball()
    widget.ui.organSelector.setCurrentNode(a_model(organ))
    widget.ui.applyButton.click()
    np.testing.assert_allclose(client.runs[-1][1].mesh.points, organ.points)
    client.cancelled_by_user()
    choose(widget.ui.methodComboBox, "intensity")
    widget.ui.applyButton.click()
    assert client.runs[-1][1].mesh is None


def test_the_organ_is_asked_for_only_where_something_follows_its_motion(widget) -> None:
    def is_asked_for() -> bool:
        return widget.ui.organWidget.isVisibleTo(widget.ui.registerCollapsibleButton)

    assert is_asked_for()
    choose(widget.ui.methodComboBox, "intensity")
    assert not is_asked_for()
    widget.ui.prepareCollapsibleButton.collapsed = False
    choose(widget.ui.prepareComboBox, "displacement-field")
    assert is_asked_for()
    choose(widget.ui.prepareComboBox, "pose-regression")
    assert not is_asked_for()


def test_without_an_organ_the_method_finds_its_own(widget, client) -> None:
    widget.ui.applyButton.click()
    assert client.runs[-1][1].mesh is None


def test_a_segment_is_meshed_in_the_worker_before_anything_can_start(widget, client) -> None:
    segmentation = a_segmentation(liver_labels(), {"Spine": 3, "Liver": 5})
    widget.ui.organSelector.setCurrentNode(segmentation)
    combo = widget.ui.segmentComboBox
    assert combo.isVisibleTo(widget.parent)
    assert [combo.itemText(index) for index in range(combo.count)] == ["Spine", "Liver"]
    combo.setCurrentIndex(1)
    kind, labels = client.asked[-1]
    assert kind == "organ_template"
    assert labels.voxels.sum() == 12**3
    assert not widget.ui.applyButton.enabled
    assert "being made" in widget.ui.applyButton.toolTip
    client.template_callbacks["on_result"](a_ball())
    assert widget.ui.applyButton.enabled
    widget.ui.applyButton.click()
    np.testing.assert_allclose(client.runs[-1][1].mesh.points, a_ball().points)


def test_a_surface_with_holes_is_refused_in_words(widget) -> None:
    ball = a_ball()
    widget.ui.organSelector.setCurrentNode(a_model(SurfaceMesh(ball.points, ball.triangles[:-20])))
    assert not widget.ui.applyButton.enabled
    assert "holes" in widget.ui.applyButton.toolTip


def test_the_organ_is_what_a_method_is_prepared_for(widget, client) -> None:
    organ = a_ball()
    widget.ui.organSelector.setCurrentNode(a_model(organ))
    widget.ui.prepareCollapsibleButton.collapsed = False
    choose(widget.ui.prepareComboBox, "displacement-field")
    np.testing.assert_allclose(client.asked_organ.points, organ.points)
    widget.ui.prepareButton.click()
    assert client.preparations[-1][0] == "displacement-field"
    np.testing.assert_allclose(client.prepared_organ.points, organ.points)


def test_the_organ_comes_back_with_a_saved_scene(widget, slicer_main_window, tmp_path) -> None:
    segmentation = a_segmentation(liver_labels(), {"Spine": 3, "Liver": 5})
    widget.ui.organSelector.setCurrentNode(segmentation)
    widget.ui.segmentComboBox.setCurrentIndex(1)
    chosen = widget.panel.parameterNode.organSegment
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer_main_window.session.clear()
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.process_events()
    widget.initializeParameterNode()
    assert widget.ui.organSelector.currentNode().GetName() == "Organs"
    assert widget.panel.parameterNode.organSegment == chosen
    assert widget.panel.organ.source.look().name == "Liver"


def test_ct_and_model_can_be_hardened_and_stay_where_they_are_then(widget, client) -> None:
    organ = a_model(a_ball())
    organ.SetAndObserveTransformNodeID(widget.panel.pose.ensureTransform().GetID())
    widget.panel.refresh()
    widget.ui.applyButton.click()
    client.answer(a_deformed_result())
    node = widget.panel.parameterNode
    ct = node.ctVolume
    assert ct.GetParentTransformNode() is node.deformation
    logic = slicer.modules.transforms.logic()
    for hardened in (organ, ct):
        assert logic.hardenTransform(hardened)
        assert hardened.GetParentTransformNode() is None
    points = vtk_to_numpy(organ.GetPolyData().GetPoints().GetData())
    # The field tells where a point of now was in the CT, 10 mm higher: the anatomy has gone 10 mm down.
    np.testing.assert_allclose(points - a_ball().points, np.tile([5.0, 0.0, -10.0], (len(points), 1)), atol=0.05)
    assert brightest_middle(volume_from_node(ct)) == pytest.approx(
        brightest_middle(a_ct()) + np.array((5.0, 0.0, -10.0)), abs=2.6
    )
    widget.panel.refresh()
    assert ct.GetParentTransformNode() is None
    assert node.poseTransform is None
    assert node.deformation is None
    assert not widget.ui.deformedCheckBox.enabled
    widget.ui.translationRSlider.value = 3.0  # from here on a pose of its own
    assert node.poseTransform is not None


def brightest_middle(volume: Volume) -> np.ndarray:
    """Middle of the bone in RAS."""
    kji = np.argwhere(volume.voxels > 600).mean(axis=0)
    return volume.ijk_to_ras[:3, :3] @ kji[::-1] + volume.ijk_to_ras[:3, 3]
