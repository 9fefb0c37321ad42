"""A deformable registration in the panel: the switch, the card, what is under which transform, and the saved scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct
from modules.registrations import (
    DEFORMATION_QUALITY,
    RegistrationClient,
    a_deformed_result,
    a_pose_result,
    shifted,
)
from XRayLib.scene.deformation_nodes import uncertainty_node
from XRayLib.scene.matrices import local_to_world

pytestmark = pytest.mark.slicer


class RememberingClient(RegistrationClient):
    """Keeps the volumes that are to be projected."""

    def __init__(self) -> None:
        super().__init__()
        self.projected: list[np.ndarray] = []

    def project(self, volume_id, volume, geometries, **callbacks) -> None:
        self.projected.append(volume.voxels)
        super().project(volume_id, volume, geometries, **callbacks)


@pytest.fixture
def client() -> RememberingClient:
    return RememberingClient()


@pytest.fixture
def case(registration_case):
    """Two films, a CT, and a liver that moves with it; a deformable method is chosen."""
    widget = registration_case
    combo = widget.ui.methodComboBox
    combo.setCurrentIndex([combo.itemData(index) for index in range(combo.count)].index("deformable"))
    liver = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Liver")
    liver.SetAndObserveTransformNodeID(widget.panel.pose.ensureTransform().GetID())
    widget.panel.refresh()
    return widget


def register(widget, client, result) -> None:
    widget.ui.applyButton.click()
    client.answer(result)


def above(name: str):
    return slicer.util.getNode(name).GetParentTransformNode()


def test_the_method_can_be_chosen_and_without_a_result_there_is_nothing_to_switch(case, client) -> None:
    assert case.panel.parameterNode.method == "deformable"
    assert not case.ui.deformedCheckBox.enabled
    assert "deformable method" in case.ui.deformedCheckBox.toolTip
    case.ui.applyButton.click()
    assert client.runs[-1][0] == "deformable"


def test_the_ct_and_what_moves_with_it_come_under_the_deformation_and_that_under_the_pose(case, client) -> None:
    register(case, client, a_deformed_result())
    node = case.panel.parameterNode
    assert above("CT") is node.deformation
    assert above("Liver") is node.deformation
    assert node.deformation.GetParentTransformNode() is node.poseTransform
    np.testing.assert_allclose(local_to_world(node.ctVolume), shifted(right=7.0))
    assert case.ui.deformedCheckBox.enabled
    assert case.ui.deformedCheckBox.checked
    assert case.ui.translationRSlider.value == pytest.approx(7.0)


def test_the_switch_takes_the_deformation_away_and_gives_it_back(case, client) -> None:
    register(case, client, a_deformed_result())
    node = case.panel.parameterNode
    case.ui.deformedCheckBox.click()
    assert not node.showDeformed
    assert above("CT") is above("Liver") is node.poseTransform
    assert node.deformation.GetParentTransformNode() is node.poseTransform
    case.ui.deformedCheckBox.click()
    assert above("CT") is above("Liver") is node.deformation


def test_the_reprojection_is_that_of_the_deformed_ct(case, client) -> None:
    node = case.panel.parameterNode
    node.liveReprojection = True
    register(case, client, a_deformed_result())
    np.testing.assert_allclose(client.projected[-1][:-2], a_ct().voxels[2:])  # 10 mm are two voxels
    case.ui.deformedCheckBox.click()
    np.testing.assert_array_equal(client.projected[-1], a_ct().voxels)


def test_the_card_tells_of_the_deformation(case, client) -> None:
    from XRayRegistrationLib.panel_deformation import deformation_html

    register(case, client, a_deformed_result())
    for words in ("12.3 mm", "Nothing folds", "1.4 mm (median), up to 3.6 mm", "0.913, rigid 0.761"):
        assert words in case.ui.cardLabel.text
    case.ui.deformedCheckBox.click()
    assert "Nothing folds" not in case.ui.cardLabel.text
    assert "do not use it" in deformation_html(DEFORMATION_QUALITY | {"folding_fraction": 0.01})
    assert "do not call for" in deformation_html(DEFORMATION_QUALITY | {"displacement_p95_mm": 0.0})
    assert deformation_html({}) == ""


def test_a_refused_deformation_leaves_the_scene_as_it_was(case, client) -> None:
    register(case, client, a_deformed_result(accepted=False))
    node = case.panel.parameterNode
    assert node.deformation is None
    np.testing.assert_array_equal(local_to_world(node.ctVolume), np.eye(4))
    assert "Refused" in case.ui.cardLabel.text
    assert "Nothing folds" in case.ui.cardLabel.text
    case.ui.showAnywayButton.click()
    assert above("CT") is node.deformation


def test_a_rigid_registration_afterwards_hides_the_deformation(case, client) -> None:
    register(case, client, a_deformed_result())
    register(case, client, a_pose_result(shifted(right=3.0)))
    node = case.panel.parameterNode
    assert above("CT") is above("Liver") is node.poseTransform
    assert not case.ui.deformedCheckBox.checked


def test_a_second_deformation_replaces_the_first(case, client) -> None:
    register(case, client, a_deformed_result(10.0))
    first = case.panel.parameterNode.deformation
    register(case, client, a_deformed_result(-6.0))
    assert case.panel.parameterNode.deformation is first
    assert slicer.util.arrayFromGridTransform(first)[..., 2].mean() == pytest.approx(-6.0)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLGridTransformNode") == 1


def test_undo_and_redo_take_the_deformation_along(case, client) -> None:
    register(case, client, replace(a_deformed_result(10.0), uncertainty=an_uncertainty(2.0)))
    node = case.panel.parameterNode
    first = node.deformation
    second = replace(a_deformed_result(-6.0), ct_to_world=shifted(right=9.0), uncertainty=an_uncertainty(5.0))
    register(case, client, replace(second, quality=DEFORMATION_QUALITY | {"displacement_p95_mm": 6.5}))
    case.ui.undoButton.click()
    assert node.deformation is first is above("CT")
    assert slicer.util.arrayFromGridTransform(first)[..., 2].mean() == pytest.approx(10.0)
    assert slicer.util.arrayFromVolume(uncertainty_node(first)).max() == 2.0
    assert "12.3 mm" in case.ui.cardLabel.text
    case.ui.undoButton.click()
    assert node.deformation is None
    assert above("CT") is above("Liver") is node.poseTransform
    assert not case.ui.deformedCheckBox.enabled
    case.ui.redoButton.click()
    case.ui.redoButton.click()
    assert node.deformation is first is above("CT") is above("Liver")
    assert slicer.util.arrayFromGridTransform(first)[..., 2].mean() == pytest.approx(-6.0)
    assert slicer.util.arrayFromVolume(uncertainty_node(first)).max() == 5.0
    assert "6.5 mm" in case.ui.cardLabel.text


def an_uncertainty(value_mm: float):
    ct = a_ct()
    return replace(ct, voxels=np.full_like(ct.voxels, value_mm), quantity="displacement_sd_mm")


def test_a_saved_scene_comes_back_deformed(case, client, slicer_main_window, tmp_path) -> None:
    register(case, client, a_deformed_result())
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer.mrmlScene.Clear()
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    node = case.panel.parameterNode
    assert node.showDeformed
    assert above("CT") is node.deformation
    assert node.deformation.GetParentTransformNode() is node.poseTransform
    np.testing.assert_allclose(local_to_world(node.ctVolume), shifted(right=7.0), atol=1e-6)
    case.panel.refresh()
    assert "Nothing folds" in case.ui.cardLabel.text
    assert case.ui.deformedCheckBox.enabled
