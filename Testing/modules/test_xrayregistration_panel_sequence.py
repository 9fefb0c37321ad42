"""Several frames: X-rays assigned to frames, runs in a browser, one pose per frame; the test plays the worker."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_ct, a_film
from modules.registrations import a_pose_result, shifted
from XRayLib.radiograph import Radiograph
from XRayLib.scene.film_run import frame_of, put_film_run, set_frame
from XRayLib.scene.matrices import local_to_world
from XRayLib.scene.pose_sequence import pose_sequence, records
from XRayLib.scene.radiograph_nodes import put_radiograph, radiograph_from_node
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def widget(registration):
    registration.panel.parameterNode.ctVolume = put_volume(a_ct(), "CT")
    registration.ui.sequenceCollapsibleButton.collapsed = False
    return registration


def frame_film(number: int) -> Radiograph:
    return Radiograph(np.eye(64, dtype=np.float32) * number, a_film().geometry, view="PA", source=f"frame {number}")


@pytest.fixture
def three_films(widget):
    """One film per frame, two views at the second."""
    for number in (1, 2, 3):
        film = put_radiograph(frame_film(number), f"Film {number}")
        set_frame(film, number)
        widget.panel.addFilm(film)
    side = put_radiograph(a_film(90.0, "LL"), "Side 2")
    set_frame(side, 2)
    widget.panel.addFilm(side)
    return widget


@pytest.fixture
def run(widget):
    """A run of three frames in a browser."""
    browser, film = put_film_run("Run", [frame_film(number) for number in (1, 2, 3)])
    widget.panel.addRun(browser, [film])
    return widget


def states(widget) -> list[str]:
    return [widget.ui.frameTable.item(row, 2).text() for row in range(widget.ui.frameTable.rowCount)]


def ct_shift(widget) -> float:
    return float(local_to_world(widget.panel.parameterNode.ctVolume)[0, 3])


def register_all(widget, client, results) -> None:
    widget.ui.registerSequenceButton.click()
    for result in results:
        client.answer(result)


def test_one_frame_needs_no_sequence(widget) -> None:
    widget.panel.addFilm(put_radiograph(a_film(), "PA"))
    assert not widget.ui.registerSequenceButton.enabled
    assert "two or more frames" in widget.ui.registerSequenceButton.toolTip
    assert not widget.ui.frameSlider.enabled


def test_the_user_assigns_films_to_frames(widget) -> None:
    for name in ("A", "B"):
        widget.panel.addFilm(put_radiograph(a_film(), name))
    assert [film.GetName() for film in widget.panel.shownFilms()] == ["A", "B"]
    widget.ui.filmFrameTable.item(1, 1).setText("2")
    assert [frame_of(film) for film in widget.panel.filmNodes()] == [1, 2]
    assert [film.GetName() for film in widget.panel.shownFilms()] == ["A"]
    assert widget.ui.registerSequenceButton.enabled
    widget.ui.filmFrameTable.item(1, 1).setText("nonsense")
    assert frame_of(widget.panel.filmNodes()[1]) == 2
    assert widget.ui.filmFrameTable.item(1, 1).text() == "2"


def test_views_and_registration_use_the_films_of_the_shown_frame(three_films, client) -> None:
    import slicer

    widget = three_films
    assert [film.GetName() for film in widget.panel.shownFilms()] == ["Film 1"]
    widget.ui.frameSlider.value = 2
    assert [film.GetName() for film in widget.panel.shownFilms()] == ["Film 2", "Side 2"]
    composite = slicer.app.layoutManager().sliceWidget("XRay2").sliceLogic().GetSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == widget.panel.shownFilms()[1].GetID()
    widget.ui.applyButton.click()
    assert [film.line_integral.max() for film in client.runs[-1][1].radiographs] == [2.0, 2.0]
    assert len(client.runs[-1][1].radiographs) == 2


@pytest.mark.parametrize("kind", ["three_films", "run"])
def test_each_frame_starts_from_the_pose_of_the_one_before(kind, request, client, slicer_main_window) -> None:
    widget = request.getfixturevalue(kind)
    register_all(widget, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    runs = client.runs
    assert [sent.radiographs[0].line_integral.max() for _m, sent, _o in runs] == [1.0, 2.0, 3.0]
    assert runs[0][1].initial_ct_to_world is None
    np.testing.assert_allclose(runs[1][1].initial_ct_to_world, shifted(10), atol=1e-9)
    np.testing.assert_allclose(runs[2][1].initial_ct_to_world, shifted(20), atol=1e-9)
    assert [o.extra["initialisation"] for _m, _c, o in runs] == ["auto", "given", "given"]
    assert "3 of 3 frames" in widget.ui.statusLabel.text
    assert states(widget) == ["registered, 97 % sure"] * 3


@pytest.mark.parametrize("kind", ["three_films", "run"])
def test_the_ct_follows_the_shown_frame_with_its_card(kind, request, client, slicer_main_window) -> None:
    widget = request.getfixturevalue(kind)
    results = [a_pose_result(shifted(10.0 * number), confidence=0.9 + number / 100) for number in (1, 2, 3)]
    register_all(widget, client, results)
    for index in (0, 2, 1):
        widget.ui.frameTable.selectRow(index)
        assert ct_shift(widget) == pytest.approx(10.0 * (index + 1))
        assert f"{91 + index} %" in widget.ui.cardLabel.text
        assert widget.ui.frameSlider.value == index + 1
        shown = radiograph_from_node(widget.panel.shownFilms()[0])
        assert shown.line_integral.max() == index + 1
        assert not widget.ui.undoButton.enabled  # another frame's pose is no step of this one


@pytest.mark.parametrize("kind", ["three_films", "run"])
def test_a_refused_frame_keeps_the_pose_before_and_says_so(kind, request, client, slicer_main_window) -> None:
    widget = request.getfixturevalue(kind)
    refused = a_pose_result(shifted(500), accepted=False, reason="The film is blurred: take it again.")
    register_all(widget, client, [a_pose_result(shifted(10)), refused, a_pose_result(shifted(30))])
    np.testing.assert_allclose(client.runs[2][1].initial_ct_to_world, shifted(10), atol=1e-9)
    assert states(widget)[1] == "refused: The film is blurred: take it again."
    assert "Refused: 2" in widget.ui.statusLabel.text
    widget.ui.frameSlider.value = 2
    assert ct_shift(widget) == pytest.approx(10.0)
    assert "blurred" in widget.ui.cardLabel.text


@pytest.mark.parametrize("kind", ["three_films", "run"])
def test_one_frame_can_be_corrected_by_hand_and_accepted(kind, request, client, slicer_main_window) -> None:
    widget = request.getfixturevalue(kind)
    register_all(widget, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    widget.ui.frameSlider.value = 2
    widget.ui.translationRSlider.value = 25.0
    widget.ui.acceptButton.click()
    widget.ui.frameSlider.value = 1
    assert ct_shift(widget) == pytest.approx(10.0)
    assert widget.ui.translationRSlider.enabled
    widget.ui.frameSlider.value = 2
    assert ct_shift(widget) == pytest.approx(25.0)
    assert not widget.ui.translationRSlider.enabled
    assert states(widget) == ["registered, 97 % sure", "accepted by you", "registered, 97 % sure"]


def test_the_user_may_look_at_another_frame_meanwhile(run, client) -> None:
    run.ui.registerSequenceButton.click()
    client.answer(a_pose_result(shifted(10)))
    run.ui.frameSlider.value = 1
    client.answer(a_pose_result(shifted(20)))
    client.answer(a_pose_result(shifted(30)))
    node = run.panel.parameterNode
    found = records(pose_sequence(node.sequenceBrowser, node.poseTransform))
    assert [found[value].quality.confidence for value in ("0", "1", "2")] == [0.97] * 3
    for index in range(3):
        run.ui.frameSlider.value = index + 1
        assert ct_shift(run) == pytest.approx(10.0 * (index + 1))


def test_progress_counts_frames_and_cancel_keeps_what_is_done(three_films, client) -> None:
    widget = three_films
    widget.ui.registerSequenceButton.click()
    client.answer(a_pose_result(shifted(10)))
    client.progress(0.5, "Refining")
    assert widget.ui.progressBar.value == 50
    assert "Frame 2 of 3: Refining" in widget.ui.statusLabel.text
    widget.ui.cancelButton.click()
    client.cancelled_by_user()
    assert "Cancelled" in widget.ui.statusLabel.text
    assert "1 of 3 frames" in widget.ui.statusLabel.text
    assert states(widget)[0] == "registered, 97 % sure"
    assert widget.ui.registerSequenceButton.enabled


def test_slicers_own_sequence_toolbar_changes_the_frame_too(run, client) -> None:
    register_all(run, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    run.panel.parameterNode.sequenceBrowser.SetSelectedItemNumber(0)
    assert run.ui.frameSlider.value == 1
    assert ct_shift(run) == pytest.approx(10.0)
    assert "97 %" in run.ui.cardLabel.text


@pytest.mark.parametrize("kind", ["three_films", "run"])
def test_frames_and_poses_come_back_with_a_saved_scene(kind, request, client, slicer_main_window, tmp_path) -> None:
    widget = request.getfixturevalue(kind)
    register_all(widget, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    widget.ui.frameSlider.value = 2
    slicer_main_window.session.save_scene(tmp_path / "run.mrb")
    slicer_main_window.session.clear()
    slicer_main_window.session.load_scene(tmp_path / "run.mrb")
    slicer_main_window.process_events()
    widget.initializeParameterNode()
    assert widget.ui.frameSlider.value == 2
    assert states(widget) == ["registered, 97 % sure"] * 3
    assert ct_shift(widget) == pytest.approx(20.0)
    widget.ui.frameSlider.value = 3
    assert ct_shift(widget) == pytest.approx(30.0)
    assert radiograph_from_node(widget.panel.shownFilms()[0]).line_integral.max() == pytest.approx(3.0)


def test_a_multi_frame_file_becomes_a_run(widget, client, slicer_main_window) -> None:
    client.frames = 3
    slicer_main_window.file_dialog_answers.append("/data/fluoro.dcm")
    widget.ui.addRunButton.click()
    for number in (1, 2, 3):
        assert client.asked[-1] == ("load_radiograph", "/data/fluoro.dcm")
        assert client.frame_index == number - 1
        client.answer(SimpleNamespace(radiograph=frame_film(number)))
    assert [film.GetName() for film in widget.panel.filmNodes()] == ["fluoro"]
    assert len(widget.panel.frames.values()) == 3
    widget.ui.frameSlider.value = 3
    assert radiograph_from_node(widget.panel.filmNodes()[0]).line_integral.max() == 3.0
    assert not widget.ui.filmFrameTable.isVisibleTo(widget.parent)


def test_a_file_with_one_frame_is_no_run(widget, client, slicer_main_window) -> None:
    slicer_main_window.file_dialog_answers.append("/data/film.dcm")
    widget.ui.addRunButton.click()
    assert "one X-ray only" in widget.ui.statusLabel.text
    assert widget.panel.filmNodes() == []


def test_a_frame_that_cannot_be_read_adds_nothing(widget, client, slicer_main_window) -> None:
    client.frames = 2
    slicer_main_window.file_dialog_answers.append("/data/fluoro.dcm")
    widget.ui.addRunButton.click()
    client.answer(SimpleNamespace(radiograph=frame_film(1)))
    client.fail(code="bad_input", message="fluoro.dcm is damaged.")
    assert "damaged" in widget.ui.statusLabel.text
    assert widget.panel.filmNodes() == []
    assert slicer_main_window.session.scene.GetFirstNodeByClass("vtkMRMLSequenceNode") is None


def test_an_image_sequence_of_the_scene_becomes_a_run(widget, client) -> None:
    import slicer

    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode")
    for frame in range(2):
        image = slicer.util.addVolumeFromArray(np.full((1, 20, 20), float(frame)), name="Fluoro")
        sequence.SetDataNodeAtValue(image, str(frame))
        slicer.mrmlScene.RemoveNode(image)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Fluoro")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    assert not widget.ui.useRunButton.enabled
    widget.ui.runSelector.setCurrentNode(browser)
    assert widget.ui.useRunButton.enabled
    widget.ui.useRunButton.click()
    for number in (1, 2):
        assert client.asked[-1][0] == "load_radiograph"
        client.answer(SimpleNamespace(radiograph=frame_film(number)))
    assert widget.panel.parameterNode.sequenceBrowser is browser
    assert len(widget.panel.frames.values()) == 2
    widget.ui.frameSlider.value = 2
    assert radiograph_from_node(widget.panel.filmNodes()[0]).line_integral.max() == 2.0


def test_a_removed_run_stays_away(run, client, slicer_main_window) -> None:
    register_all(run, client, [a_pose_result(shifted(10.0 * number)) for number in (1, 2, 3)])
    run.panel.films.rows[0].removeButton.click()
    assert run.panel.filmNodes() == []
    slicer_main_window.process_events()
    import slicer

    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    names = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")}
    assert names == {"CT"}
    run.panel.addFilm(put_radiograph(a_film(), "New"))
    run.ui.translationRSlider.value = 4.0
    assert ct_shift(run) == pytest.approx(4.0)


def test_films_of_one_frame_have_up_to_four_views(widget) -> None:
    import slicer

    for number, angle in enumerate((0.0, 30.0, 60.0, 90.0), start=1):
        widget.panel.addFilm(put_radiograph(a_film(angle), f"View {number}"))
    for number in range(1, 5):
        composite = slicer.app.layoutManager().sliceWidget(f"XRay{number}").sliceLogic().GetSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == widget.panel.filmNodes()[number - 1].GetID()
