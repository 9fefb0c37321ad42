"""The user goes to another module and comes back: what runs comes into the scene, and meanwhile the views are his."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct, a_film, a_result
from modules.reconstructions import add_two_films
from modules.registrations import a_pose_result, shifted
from XRayLib.scene.comparison_views import comparison_is_on
from XRayLib.scene.layout import film_layout_is_on, slice_logic, switch_to_film_layout
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.overlay_nodes import CONTOUR_ROLE
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.reprojection_nodes import reprojection_of
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer

ONE_SLICE = 6
"""Id of the layout with the red slice alone."""


def layout() -> int:
    return slicer.app.layoutManager().layout


def slice_background() -> str | None:
    return slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceCompositeNode().GetBackgroundVolumeID()


def ct_pose(widget) -> np.ndarray:
    return local_to_world(widget.panel.parameterNode.ctVolume)


def test_a_volume_that_comes_while_the_user_is_away_is_kept(reconstruction, client, slicer_main_window) -> None:
    before = layout()
    add_two_films(reconstruction)
    reconstruction.ui.applyButton.click()
    slicer_main_window.leave_module()
    shown = slice_background()
    client.answer(a_result(client.asked[-1][1]))
    assert slice_background() == shown
    assert reconstruction.panel.parameterNode.outputVolume is not None
    assert layout() == before
    slicer_main_window.wait_until(lambda: reconstruction.panel.parameterNode is None)
    slicer_main_window.open_module("X2CTRecon")
    volume = reconstruction.panel.parameterNode.outputVolume
    assert volume is not None
    assert all(reprojection_of(film, volume) for film in reconstruction.panel.filmNodes())
    assert film_layout_is_on()
    assert slice_background() == reconstruction.panel.parameterNode.outputVolume.GetID()
    assert reconstruction.ui.applyButton.enabled


def test_a_pose_that_comes_while_the_user_is_away_moves_the_ct(registration_case, client, slicer_main_window) -> None:
    registration_case.ui.applyButton.click()
    slicer_main_window.leave_module()
    client.answer(a_pose_result(shifted(12)))
    slicer_main_window.wait_until(lambda: registration_case.panel.parameterNode is None)
    slicer_main_window.open_module("XRayRegistration")
    np.testing.assert_allclose(ct_pose(registration_case), shifted(12), atol=1e-9)
    assert "97 %" in registration_case.ui.cardLabel.text


def test_a_run_goes_on_while_the_user_is_away(run, client, slicer_main_window) -> None:
    run.ui.registerSequenceButton.click()
    slicer_main_window.leave_module()
    before = layout()
    client.answer(a_pose_result(shifted(10)))
    assert run.panel.parameterNode is not None
    client.answer(a_pose_result(shifted(20)))
    assert layout() == before
    slicer_main_window.open_module("XRayRegistration")
    assert "2 of 2 frames" in run.ui.statusLabel.text
    assert [run.ui.frameTable.item(row, 2).text() for row in range(2)] == ["registered, 97 % sure"] * 2


def test_a_film_that_is_loaded_while_the_user_is_away_belongs_to_the_case(
    reconstruction, client, slicer_main_window
) -> None:
    reconstruction.panel.adding.addFiles(["a.dcm", "b.dcm"])
    slicer_main_window.leave_module()
    client.answer(SimpleNamespace(radiograph=a_film()))
    client.answer(SimpleNamespace(radiograph=a_film(90.0, "LL")))
    assert not film_layout_is_on()
    slicer_main_window.open_module("X2CTRecon")
    assert [node.GetName() for node in reconstruction.panel.filmNodes()] == ["a", "b"]
    assert film_layout_is_on()


def test_a_comparison_waits_for_the_user(reconstruction, client, slicer_main_window, tmp_path) -> None:
    node = reconstruction.panel.parameterNode
    node.compareFirst, node.compareSecond = put_volume(a_ct(), "A"), put_volume(a_ct(), "B")
    reconstruction.ui.compareButton.click()
    slicer_main_window.leave_module()
    before = layout()
    client.work(tmp_path / "job")
    assert layout() == before
    slicer_main_window.open_module("X2CTRecon")
    assert layout() != before
    assert reconstruction.ui.undoComparisonButton.enabled
    slicer_main_window.leave_module()
    assert layout() == before


def test_the_films_are_shown_again_when_the_user_comes_back(registration_case, slicer_main_window) -> None:
    assert film_layout_is_on()
    display = registration_case.panel.parameterNode.ctVolume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(321.0, 45.0)
    slicer_main_window.leave_module()
    assert not film_layout_is_on()
    assert registration_case.panel.parameterNode is None
    slicer_main_window.open_module("XRayRegistration")
    assert film_layout_is_on()
    assert (display.GetWindow(), display.GetLevel()) == (321.0, 45.0)


def test_the_slices_stay_where_the_user_put_them(registration_case, slicer_main_window) -> None:
    red = slice_logic("Red")
    red.SetSliceOffset(-12.5)
    registration_case.panel.addFilm(put_radiograph(a_film(45.0, "AP"), "Oblique"))
    slicer.app.processEvents()
    assert red.GetSliceOffset() == pytest.approx(-12.5)
    slicer_main_window.leave_module()
    slicer_main_window.open_module("XRayRegistration")
    slicer.app.processEvents()
    assert red.GetSliceOffset() == pytest.approx(-12.5)


def test_a_volume_that_is_loaded_does_not_take_the_place_of_a_film(registration_case) -> None:
    film = slice_logic("XRay1").GetSliceCompositeNode()
    before = film.GetBackgroundVolumeID()
    load_a_volume()
    assert film.GetBackgroundVolumeID() == before


def test_without_films_their_views_are_empty(registration_case) -> None:
    film = slice_logic("XRay1").GetSliceCompositeNode()
    while registration_case.panel.films.rows:
        registration_case.panel.films.rows[0].removeButton.click()
    load_a_volume()
    assert film.GetBackgroundVolumeID() is None


def load_a_volume() -> None:
    """As Slicer does: into the views."""
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetReferenceActiveVolumeID(put_volume(a_ct(), "Loaded").GetID())
    logic.PropagateVolumeSelection()


def test_a_layout_that_came_with_a_scene_is_not_left_to_other_modules(
    registration_case, slicer_main_window, tmp_path
) -> None:
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer_main_window.leave_module()
    slicer.mrmlScene.Clear(False)
    switch_to_film_layout(2)
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.open_module("XRayRegistration")
    slicer_main_window.leave_module()
    assert layout() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


def test_one_modules_lines_are_not_drawn_over_the_others_films(registration_case, slicer_main_window) -> None:
    node = registration_case.panel.parameterNode
    node.liveReprojection = True
    registration_case.ui.overlayModeComboBox.setCurrentIndex(1)
    contours = node.films[0].GetNodeReference(CONTOUR_ROLE).GetDisplayNode()
    assert contours.GetVisibility()
    slicer_main_window.open_module("X2CTRecon")
    assert not contours.GetVisibility()
    slicer_main_window.open_module("XRayRegistration")
    assert contours.GetVisibility()


def test_a_layout_that_the_user_chose_stays_when_he_comes_back(registration_case, slicer_main_window) -> None:
    slicer.app.layoutManager().setLayout(ONE_SLICE)
    slicer_main_window.leave_module()
    slicer_main_window.open_module("XRayRegistration")
    assert not film_layout_is_on()


def test_a_scene_that_is_closed_while_the_user_is_away_takes_the_job_along(
    reconstruction, client, slicer_main_window
) -> None:
    add_two_films(reconstruction)
    reconstruction.ui.applyButton.click()
    slicer_main_window.leave_module()
    slicer.mrmlScene.Clear(False)
    assert client.invalidated
    slicer_main_window.open_module("X2CTRecon")
    assert not film_layout_is_on()
    assert reconstruction.panel.filmNodes() == []
    assert not reconstruction.ui.applyButton.enabled


def test_a_comparison_is_shown_again_when_the_user_returns(reconstruction, client, slicer_main_window) -> None:
    before = layout()
    add_two_films(reconstruction)
    reconstruction.ui.applyButton.click()
    client.answer(a_result(client.asked[-1][1]))
    node = reconstruction.panel.parameterNode
    node.compareFirst, node.compareReference = node.outputVolume, put_volume(a_ct(), "Truth")
    reconstruction.ui.compareButton.click()
    client.answer({"difference": a_ct().voxels, "rows": []})
    assert comparison_is_on()
    slicer_main_window.leave_module()
    assert layout() == before
    slicer_main_window.open_module("X2CTRecon")
    assert comparison_is_on()
    slicer_main_window.leave_module()
    assert layout() == before
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetFirstNodeByName("Truth"))
    slicer_main_window.open_module("X2CTRecon")
    assert layout() == before, "what was compared is gone"
