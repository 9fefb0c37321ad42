"""The XRayRegistration panel with the real worker: films, set-ups, pose by hand, live re-projection."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct, a_film
from XRayLib.scene.matrices import array_of, vtk_matrix
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.reprojection_nodes import reprojection_of
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def widget(slicer_main_window, load_module):
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module("XRayRegistration")
    yield widget
    widget.panel.close()


@pytest.fixture
def case(widget, slicer_main_window):
    """Two films and a CT, re-projected once."""
    films = [put_radiograph(a_film(0.0, "PA"), "Front"), put_radiograph(a_film(90.0, "LL"), "Side")]
    for film in films:
        widget.panel.addFilm(film)
    widget.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    slicer_main_window.wait_until(lambda: "correlation" in widget.ui.qualityLabel.text)
    return widget, slicer_main_window


def pose_matrix(widget) -> np.ndarray:
    matrix = vtk_matrix(np.eye(4))
    widget.panel.parameterNode.poseTransform.GetMatrixTransformToParent(matrix)
    return array_of(matrix)


def test_each_film_shows_its_set_up_in_3d(case) -> None:
    widget, host = case
    model = host.session.scene.GetFirstNodeByName("Front set-up")
    bounds = np.zeros(6)
    model.GetRASBounds(bounds)
    source, detector = -700.0, 320.0  # along A for a PA view about the origin
    assert bounds[2] == pytest.approx(source - 12.0, abs=0.5)
    assert bounds[3] == pytest.approx(detector, abs=0.5)
    widget.ui.setupCheckBox.checked = False
    assert host.session.scene.GetFirstNodeByName("Front set-up") is None


def test_the_3d_view_shows_the_ct_before_its_films_until_the_user_turns_it(case) -> None:
    import slicer

    widget, _ = case
    view = slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(view)
    right, anterior, _superior = np.subtract(camera.GetPosition(), camera.GetFocalPoint())
    assert anterior < 0 < right, "the films stand in front of the patient and at the left"
    camera.SetPosition(10.0, 900.0, 20.0)
    widget.panel.showFilms()
    assert camera.GetPosition() == (10.0, 900.0, 20.0)


def test_sliders_move_the_ct_through_one_transform(case) -> None:
    widget, _ = case
    widget.ui.translationRSlider.value = 40.0
    widget.ui.rotationSSlider.value = 90.0
    matrix = pose_matrix(widget)
    middle = a_ct().center_ras_mm
    np.testing.assert_allclose((matrix @ [*middle, 1])[:3], middle + np.array([40, 0, 0]), atol=1e-6)
    np.testing.assert_allclose(matrix[:3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-6)
    node = widget.panel.parameterNode
    assert node.ctVolume.GetTransformNodeID() == node.poseTransform.GetID()


def test_sliders_follow_the_transform(case) -> None:
    widget, _ = case
    widget.ui.translationRSlider.value = 1.0
    shift = np.eye(4)
    shift[:3, 3] = (0.0, -25.0, 7.5)
    widget.panel.parameterNode.poseTransform.SetMatrixTransformToParent(vtk_matrix(shift))
    assert widget.ui.translationRSlider.value == pytest.approx(0.0)
    assert widget.ui.translationASlider.value == pytest.approx(-25.0)
    assert widget.ui.translationSSlider.value == pytest.approx(7.5)


def test_the_reprojection_follows_the_pose(case) -> None:
    import slicer

    widget, host = case
    middle = a_ct().center_ras_mm
    films, ct = widget.panel.filmNodes(), widget.panel.parameterNode.ctVolume

    def bone_column() -> float:
        image = slicer.util.arrayFromVolume(reprojection_of(films[0], ct))[0]
        return float(np.argwhere(image > 0.85 * image.max())[:, 1].mean())

    widget.panel.centerOnFilms()
    host.wait_until(lambda: widget.ui.translationRSlider.value == pytest.approx(-middle[0]))
    expected = a_film().geometry.project([[40.0, 0.0, 0.0]])[0, 0]  # the bone lies 40 mm to the right of the middle
    host.wait_until(lambda: abs(bone_column() - expected) <= 1)
    widget.ui.translationRSlider.value = widget.ui.translationRSlider.value - 60.0
    moved = a_film().geometry.project([[-20.0, 0.0, 0.0]])[0, 0]
    host.wait_until(lambda: abs(bone_column() - moved) <= 1)


def test_undo_and_reset_give_back_the_pose(case) -> None:
    widget, host = case
    for step in (4.0, 7.0, 10.0):  # one drag
        widget.ui.translationASlider.value = step
    before = pose_matrix(widget)
    host.wait_until(lambda: np.array_equal(widget.panel.pose.history._resting, before))
    widget.ui.translationASlider.value = 30.0
    widget.ui.undoButton.click()
    np.testing.assert_allclose(pose_matrix(widget), before, atol=1e-6)
    widget.ui.redoButton.click()
    assert pose_matrix(widget)[1, 3] == pytest.approx(30.0)
    widget.ui.undoButton.click()
    widget.ui.undoButton.click()
    np.testing.assert_allclose(pose_matrix(widget), np.eye(4), atol=1e-6)
    assert not widget.ui.undoButton.enabled
    widget.ui.redoButton.click()
    widget.ui.resetButton.click()
    np.testing.assert_allclose(pose_matrix(widget), np.eye(4), atol=1e-6)


def test_the_pose_survives_a_saved_scene(case, tmp_path) -> None:
    widget, host = case
    widget.ui.translationRSlider.value = 33.0
    widget.ui.rotationASlider.value = -12.0
    before = pose_matrix(widget)
    host.session.save_scene(tmp_path / "pose.mrb")
    host.session.clear()
    host.session.load_scene(tmp_path / "pose.mrb")
    host.process_events()
    widget.initializeParameterNode()
    np.testing.assert_allclose(pose_matrix(widget), before, atol=1e-6)
    assert widget.ui.translationRSlider.value == pytest.approx(33.0)
    assert widget.ui.rotationASlider.value == pytest.approx(-12.0)
    assert [film.GetName() for film in widget.panel.filmNodes()] == ["Front", "Side"]


def test_a_scene_is_shown_when_it_is_loaded_not_while(case, tmp_path, monkeypatch) -> None:
    """While a scene is read its films have no images yet."""
    import slicer

    widget, host = case
    host.session.save_scene(tmp_path / "case.mrb")
    host.session.clear()
    is_importing, show = [], widget.panel.films.show

    def shown(nodes) -> None:
        is_importing.append(bool(slicer.mrmlScene.IsImporting()))
        show(nodes)

    monkeypatch.setattr(widget.panel.films, "show", shown)
    host.session.load_scene(tmp_path / "case.mrb")
    host.process_events()
    assert is_importing
    assert not any(is_importing)
    assert [row.node.GetName() for row in widget.panel.films.rows] == ["Front", "Side"]


def test_a_scaling_transform_is_explained(case) -> None:
    widget, _ = case
    node = widget.panel.parameterNode
    widget.ui.translationRSlider.value = 1.0
    node.poseTransform.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 1.0, 1.0, 1.0])))
    assert "rigid" in widget.ui.statusLabel.text
    assert not widget.ui.acceptButton.enabled
    assert "rigid" in widget.ui.acceptButton.toolTip


def test_a_pose_whose_ct_was_taken_away_cannot_be_accepted(case) -> None:
    import slicer

    widget, _ = case
    widget.ui.translationRSlider.value = 1.0
    assert widget.ui.acceptButton.enabled
    slicer.mrmlScene.RemoveNode(widget.panel.parameterNode.ctVolume)
    assert not widget.ui.acceptButton.enabled


def test_the_views_show_film_and_set_up(case) -> None:
    _, host = case
    film = host.render_view("XRay1", (200, 200)).mean(axis=2)
    assert film[100, 100] > film[5, 5] + 50
    host.frame_three_d("anterior")
    picture = host.render_view("threeD", (200, 200)).astype(int)
    gold = (picture[..., 0] > picture[..., 2] + 40) & (picture[..., 0] > 120)
    assert gold.sum() > 50
