"""A deformable method on a run: each frame has its own deformation, error bars and card; the test plays the worker."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct, a_film
from modules.registrations import DEFORMATION_QUALITY, a_deformed_result, a_pose_result, shifted
from XRayLib.radiograph import Radiograph
from XRayLib.scene.deformation_nodes import uncertainty_node
from XRayLib.scene.film_run import put_film_run, set_frame
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture(params=["run", "films"])
def widget(request, registration):
    """A CT, three frames as a run in a browser or as films with numbers, and a deformable method."""
    panel = registration.panel
    panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    radiographs = [Radiograph(np.eye(64, dtype=np.float32) * n, a_film().geometry, view="PA") for n in (1, 2, 3)]
    if request.param == "run":
        browser, film = put_film_run("Run", radiographs)
        panel.addRun(browser, [film])
    else:
        for number, radiograph in enumerate(radiographs, start=1):
            film = put_radiograph(radiograph, f"Film {number}")
            set_frame(film, number)
            panel.addFilm(film)
    combo = registration.ui.methodComboBox
    combo.setCurrentIndex([combo.itemData(index) for index in range(combo.count)].index("deformable"))
    panel.refresh()
    return registration


def deformed(superior_mm: float, **changes):
    """With error bars as large as the deformation."""
    ct = a_ct()
    bars = replace(ct, voxels=np.full_like(ct.voxels, superior_mm), quantity="displacement_sd_mm")
    quality = DEFORMATION_QUALITY | {"displacement_p95_mm": superior_mm}
    return replace(a_deformed_result(superior_mm), uncertainty=bars, quality=quality, **changes)


def register_all(widget, client, results) -> None:
    widget.ui.registerSequenceButton.click()
    for result in results:
        client.answer(result)


def shown_mm(widget, frame: int) -> tuple[float, float]:
    """Deformation and error bars at a frame, from 1."""
    widget.ui.frameSlider.value = frame
    node = widget.panel.parameterNode
    assert node.ctVolume.GetParentTransformNode() is node.deformation
    assert node.deformation.GetParentTransformNode() is node.poseTransform
    field = float(slicer.util.arrayFromGridTransform(node.deformation)[..., 2].mean())
    bars = uncertainty_node(node.deformation).GetImageData()
    return field, 0.0 if bars is None else bars.GetScalarRange()[1]


def test_every_frame_has_its_own_deformation_error_bars_and_card(widget, client) -> None:
    register_all(widget, client, [deformed(2.0), deformed(4.0), deformed(6.0)])
    for frame in (1, 3, 2):
        assert shown_mm(widget, frame) == pytest.approx((2.0 * frame, 2.0 * frame))
        assert f"{2 * frame}.0 mm" in widget.ui.cardLabel.text
    assert widget.ui.deformedCheckBox.checked
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLGridTransformNode") == 1


def test_a_refused_frame_stays_as_the_one_before_and_says_nothing_of_its_deformation(widget, client) -> None:
    refused = replace(deformed(9.0), pose_quality=a_pose_result(shifted(500), accepted=False).pose_quality)
    register_all(widget, client, [deformed(2.0), refused, deformed(6.0)])
    assert shown_mm(widget, 2) == pytest.approx((2.0, 2.0))
    assert "Nothing folds" not in widget.ui.cardLabel.text
    assert shown_mm(widget, 3) == pytest.approx((6.0, 6.0))


def test_a_refused_frame_that_had_a_pose_gets_that_of_the_frame_before(widget, client) -> None:
    register_all(widget, client, [deformed(2.0), deformed(4.0, ct_to_world=shifted(40)), deformed(6.0)])
    refused = a_pose_result(shifted(500), accepted=False)
    register_all(widget, client, [deformed(3.0), refused, deformed(6.0)])
    assert shown_mm(widget, 2) == pytest.approx((3.0, 3.0))
    assert widget.ui.translationRSlider.value == pytest.approx(7.0)


def test_one_frame_registered_anew_changes_no_other(widget, client) -> None:
    register_all(widget, client, [deformed(2.0), deformed(4.0), deformed(6.0)])
    widget.ui.frameSlider.value = 2
    widget.ui.applyButton.click()
    client.answer(deformed(5.0))
    assert [shown_mm(widget, frame)[0] for frame in (1, 2, 3)] == pytest.approx([2.0, 5.0, 6.0])
    widget.ui.frameSlider.value = 3
    widget.ui.applyButton.click()
    client.answer(a_pose_result(shifted(3.0)))
    assert shown_mm(widget, 3) == (0.0, 0.0)
    assert "Nothing folds" not in widget.ui.cardLabel.text
    widget.ui.undoButton.click()
    assert shown_mm(widget, 3) == pytest.approx((6.0, 6.0))
    assert shown_mm(widget, 2) == pytest.approx((5.0, 5.0))


def test_one_frame_deformed_after_a_rigid_run_leaves_the_others_rigid(widget, client) -> None:
    register_all(widget, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    widget.ui.frameSlider.value = 2
    widget.ui.applyButton.click()
    client.answer(deformed(5.0))
    assert [shown_mm(widget, frame) for frame in (1, 2, 3)] == [(0.0, 0.0), (5.0, 5.0), (0.0, 0.0)]
    shown_mm(widget, 1)
    widget.ui.applyButton.click()
    client.answer(deformed(3.0))
    widget.ui.undoButton.click()
    assert [shown_mm(widget, frame)[0] for frame in (1, 2, 3)] == [0.0, 5.0, 0.0]


def test_a_rigid_run_takes_the_deformations_of_the_one_before_away(widget, client) -> None:
    register_all(widget, client, [deformed(2.0), deformed(4.0), deformed(6.0)])
    register_all(widget, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    assert [shown_mm(widget, frame) for frame in (1, 2, 3)] == [(0.0, 0.0)] * 3


def test_deformations_of_all_frames_come_back_with_a_saved_scene(widget, client, slicer_main_window, tmp_path) -> None:
    register_all(widget, client, [deformed(2.0), deformed(4.0), deformed(6.0)])
    slicer_main_window.session.save_scene(tmp_path / "run.mrb")
    slicer_main_window.session.clear()
    slicer_main_window.session.load_scene(tmp_path / "run.mrb")
    slicer_main_window.process_events()
    widget.initializeParameterNode()
    for frame in (1, 3, 2):
        assert shown_mm(widget, frame) == pytest.approx((2.0 * frame, 2.0 * frame), abs=1e-3)
        assert f"{2 * frame}.0 mm" in widget.ui.cardLabel.text
