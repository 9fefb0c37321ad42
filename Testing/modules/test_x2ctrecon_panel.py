"""The X2CTRecon panel, driven as a user drives it, with a worker that the test controls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import FakeClient, a_film, a_result, an_assumed_film
from modules.reconstructions import add_two_films, open_reconstruction
from XRayLib.case import View
from XRayLib.scene.radiograph_nodes import put_radiograph, radiograph_from_node
from XRayLib.scene.reprojection_nodes import reprojection_of

pytestmark = pytest.mark.slicer


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def widget(slicer_main_window, load_module, client, monkeypatch):
    return open_reconstruction(slicer_main_window, load_module, client, monkeypatch)


def apply(widget, client) -> None:
    widget.ui.applyButton.click()
    client.answer(a_result(client.asked[-1][1]))


def test_apply_is_disabled_with_the_reason_until_there_is_a_film(widget) -> None:
    assert not widget.ui.applyButton.enabled
    assert "X-ray view" in widget.ui.applyButton.toolTip
    add_two_films(widget)
    assert widget.ui.applyButton.enabled


def test_style_transfer_is_off_until_it_is_asked_for(widget, client) -> None:
    add_two_films(widget)
    apply(widget, client)
    assert client.options.extra == {}
    widget.ui.styleTransferCheckBox.click()
    apply(widget, client)
    assert client.options.extra == {"style_transfer": True}


@pytest.mark.parametrize(
    ("check_box", "parameter", "option"),
    [
        ("consistentCheckBox", "consistent", "consistent"),
        ("estimateGeometryCheckBox", "estimateGeometry", "estimate_geometry"),
    ],
)
def test_volume_and_geometry_are_adjusted_when_asked_for(widget, client, check_box, parameter, option) -> None:
    add_two_films(widget)
    getattr(widget.ui, check_box).click()
    apply(widget, client)
    assert client.options.extra == {option: True}
    assert getattr(widget.panel.parameterNode, parameter)


def test_each_film_has_a_row_with_its_geometry(widget) -> None:
    add_two_films(widget)
    rows = widget.panel.films.rows
    assert [row.title.text for row in rows] == ["Front", "Side"]
    assert rows[0].geometry.text.startswith("PA, source at 1020 mm")
    assert rows[1].geometry.text.startswith("left lateral")
    assert not rows[0].assumptions.isVisibleTo(rows[0].widget)


def test_an_assumed_view_is_marked_and_can_be_corrected(widget) -> None:
    node = put_radiograph(an_assumed_film("PA"), "Film")
    widget.panel.addFilm(node)
    row = widget.panel.films.rows[0]
    assert "Assumed" in row.assumptions.text
    row.viewComboBox.setCurrentIndex(2)
    row.distanceSpinBox.setValue(1500)
    corrected = radiograph_from_node(node)
    assert corrected.view == "LL"
    assert corrected.geometry.primary_angle_deg == pytest.approx(90.0)
    assert corrected.geometry.source_to_detector_mm == 1500.0
    assert row.geometry.text.startswith("left lateral, source at 1500 mm")


def test_what_a_row_leaves_out_is_in_its_tip(widget) -> None:
    sentence = "The values are not calibrated: brightness was taken as linear."
    radiograph = replace(an_assumed_film("PA"), assumptions=(sentence,))
    widget.panel.addFilm(put_radiograph(radiograph, "Film"))
    row = widget.panel.films.rows[0]
    assert row.assumptions.text.endswith("The values are not calibrated")
    assert "brightness" in row.assumptions.toolTip
    assert f"{radiograph.geometry.size_px[0]} x" in row.geometry.toolTip


def test_remove_takes_the_film_out_of_case_and_scene(widget, slicer_main_window) -> None:
    nodes = add_two_films(widget)
    identifier = nodes[0].GetID()
    widget.panel.films.rows[0].removeButton.click()
    assert [node.GetName() for node in widget.panel.filmNodes()] == ["Side"]
    assert slicer_main_window.session.scene.GetNodeByID(identifier) is None
    assert len(widget.panel.films.rows) == 1


def test_a_file_that_cannot_be_used_is_explained_and_changes_nothing(widget, client, slicer_main_window) -> None:
    before = slicer_main_window.session.scene.GetNumberOfNodes()
    widget.panel.adding.addFiles(["/nowhere/film.dcm"])
    client.fail(code="bad_input", message="film.dcm is a CT: choose an X-ray.")
    assert "choose an X-ray" in widget.ui.statusLabel.text
    assert slicer_main_window.session.scene.GetNumberOfNodes() == before
    assert widget.panel.filmNodes() == []


def test_files_are_loaded_one_after_the_other_and_a_bad_one_stops_none(widget, client) -> None:
    widget.panel.adding.addFiles(["a.dcm", "b.dcm"])
    client.fail(code="bad_input", message="a.dcm is empty.")
    assert client.asked[-1] == ("load_radiograph", "b.dcm")
    client.answer(SimpleNamespace(radiograph=a_film()))
    assert [node.GetName() for node in widget.panel.filmNodes()] == ["b"]


def test_films_are_called_as_their_files_or_by_their_view_and_no_two_alike(widget, client) -> None:
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.298806137288633453246975630178"
    files = ["2024.03.17 knee.nii.gz", "a.PNG", "b/a.png", "IM.0001", uid, uid + ".dcm"]
    widget.panel.adding.addFiles(files)
    for _file in files:
        client.answer(SimpleNamespace(radiograph=a_film()))
    names = [node.GetName() for node in widget.panel.filmNodes()]
    assert names[:2] + names[3:5] == ["2024.03.17 knee", "a", "IM.0001", "X-ray PA"]
    assert names[2].startswith("a_")
    assert names[5].startswith("X-ray PA_")


def test_a_long_name_is_cut_in_its_row_and_whole_in_the_tip(widget) -> None:
    name = "thorax of the second follow-up " * 5
    widget.panel.addFilm(put_radiograph(a_film(), name))
    title = widget.panel.films.rows[0].title
    assert title.text != name
    assert title.text.startswith("thorax")
    assert name in title.toolTip


def test_nothing_runs_while_films_are_still_being_loaded(widget, client) -> None:
    add_two_films(widget)
    assert widget.ui.applyButton.enabled
    widget.panel.adding.addFiles(["a.dcm", "b.dcm"])
    assert not widget.ui.applyButton.enabled
    assert "still being loaded" in widget.ui.applyButton.toolTip
    client.fail(code="bad_input", message="a.dcm is empty.")
    assert not widget.ui.applyButton.enabled
    client.fail(code="bad_input", message="b.dcm is empty.")
    assert widget.ui.applyButton.enabled
    widget.panel.adding.addFiles(["c.dcm", "d.dcm"])
    for _ in range(2):
        assert "still being loaded" in widget.ui.applyButton.toolTip
        client.answer(SimpleNamespace(radiograph=a_film()))
    assert "still being loaded" not in widget.ui.applyButton.toolTip
    assert len(widget.panel.filmNodes()) == 4


def test_an_image_of_the_scene_becomes_a_film(widget, client, slicer_main_window) -> None:
    import slicer

    image = slicer.util.addVolumeFromArray(np.random.default_rng(0).random((1, 30, 40)), name="Loaded DX")
    widget.ui.sceneImageSelector.setCurrentNode(image)
    assert widget.ui.addNodeButton.enabled
    widget.ui.addNodeButton.click()
    kind, path = client.asked[-1]
    assert kind == "load_radiograph"
    assert path.endswith(".mha")
    client.answer(SimpleNamespace(radiograph=a_film()))
    assert [node.GetName() for node in widget.panel.filmNodes()] == ["Loaded DX X-ray"]
    assert not Path(path).exists()


def test_the_shown_frame_of_a_dicom_sequence_becomes_the_film(widget, client, tmp_path, monkeypatch) -> None:
    import slicer

    file = tmp_path / "run.dcm"
    file.write_bytes(b"")
    monkeypatch.setattr(slicer, "dicomDatabase", SimpleNamespace(fileForInstance=lambda _uid: str(file)), raising=False)
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode")
    for frame in range(3):
        image = slicer.util.addVolumeFromArray(np.full((1, 20, 20), float(frame)))
        image.SetAttribute("DICOM.instanceUIDs", "1.2.3")
        sequence.SetDataNodeAtValue(image, str(frame))
        slicer.mrmlScene.RemoveNode(image)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    proxy = browser.GetProxyNode(sequence)
    browser.SetSelectedItemNumber(2)
    widget.ui.sceneImageSelector.setCurrentNode(proxy)
    widget.ui.addNodeButton.click()
    assert client.asked[-1] == ("load_radiograph", str(file))
    assert client.frame_index == 2


def test_a_stack_of_slices_is_refused_as_a_film(widget, client) -> None:
    import slicer

    stack = slicer.util.addVolumeFromArray(np.zeros((5, 30, 40)), name="CT")
    widget.ui.sceneImageSelector.setCurrentNode(stack)
    widget.ui.addNodeButton.click()
    assert "5 slices" in widget.ui.statusLabel.text
    assert client.asked[-1][0] != "load_radiograph"


def test_progress_shows_stage_and_time_and_cancel_stops_the_job(widget, client) -> None:
    add_two_films(widget)
    widget.ui.applyButton.click()
    assert not widget.ui.applyButton.enabled
    client.progress(0.4, "Network")
    assert widget.ui.progressBar.value == 40
    assert widget.ui.statusLabel.text == "Network, about 12 s left"
    widget.ui.cancelButton.click()
    assert client.cancelled == 1
    client.fail(code="cancelled", message="Cancelled.")
    assert widget.ui.applyButton.enabled
    assert not widget.ui.cancelButton.enabled
    assert "unchanged" in widget.ui.statusLabel.text


def test_the_result_is_in_the_scene_with_units_folder_and_reprojections(widget, client, slicer_main_window) -> None:
    add_two_films(widget)
    apply(widget, client)
    node = widget.panel.parameterNode
    assert node.outputVolume.GetAttribute("XRay3D.Method") == "x2ct-cnn"
    assert node.outputVolume.GetVoxelValueUnits().GetCodeMeaning() == "Hounsfield unit"
    assert all(reprojection_of(film, node.outputVolume) for film in widget.panel.filmNodes())
    assert "Depth is a guess." in widget.ui.qualityLabel.text
    assert "25 %" in widget.ui.qualityLabel.text
    import slicer

    rendering = slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(node.outputVolume)
    assert rendering.GetVisibility()


def test_the_films_do_not_stand_before_the_volume_in_3d(widget, client, slicer_main_window) -> None:
    add_two_films(widget)
    apply(widget, client)
    import slicer

    for tag in ("XRay1", "XRay2"):
        assert not slicer.app.layoutManager().sliceWidget(tag).mrmlSliceNode().GetSliceVisible()


def test_a_reloaded_scene_tells_the_same_about_its_volume(widget, client, slicer_main_window, tmp_path) -> None:
    add_two_films(widget)
    apply(widget, client)
    told = widget.ui.qualityLabel.text
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer_main_window.session.clear()
    assert widget.ui.qualityLabel.text == "No result yet."
    assert not widget.ui.statusLabel.text
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    assert widget.ui.qualityLabel.text == told


def test_a_second_run_writes_over_the_chosen_output(widget, client) -> None:
    add_two_films(widget)
    apply(widget, client)
    first = widget.panel.parameterNode.outputVolume.GetID()
    apply(widget, client)
    assert widget.panel.parameterNode.outputVolume.GetID() == first


def test_another_method_keeps_what_the_first_has_made(widget, client) -> None:
    add_two_films(widget)
    apply(widget, client)
    node = widget.panel.parameterNode
    first = node.outputVolume
    widget.ui.applyButton.click()
    client.answer(replace(a_result(client.asked[-1][1]), method="atlas"))
    assert node.outputVolume is not first
    assert first.GetName() == "x2ct-cnn volume"
    assert node.outputVolume.GetName() == "atlas volume"
    assert (node.compareFirst, node.compareSecond) == (first, node.outputVolume)


def test_the_slider_blends_film_and_reprojection(widget, client, slicer_main_window) -> None:
    add_two_films(widget)
    apply(widget, client)
    widget.ui.overlaySlider.value = 1.0
    film, node = widget.panel.filmNodes()[0], widget.panel.parameterNode
    import slicer

    composite = slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundOpacity() == 1.0
    assert composite.GetForegroundVolumeID() == reprojection_of(film, node.outputVolume).GetID()


def test_another_result_comes_with_its_own_reprojections_and_words(widget, client) -> None:
    add_two_films(widget)
    apply(widget, client)
    node, film = widget.panel.parameterNode, widget.panel.filmNodes()[0]
    first = node.outputVolume
    node.outputVolume = None
    widget.ui.applyButton.click()
    case = client.asked[-1][1]
    worse = tuple(View(film, film.line_integral, (1.0, 0.0), 0.5) for film in case.radiographs)
    client.answer(replace(a_result(case), views=worse))
    second = node.outputVolume
    assert second is not first
    assert "50 %" in widget.ui.qualityLabel.text
    import slicer

    composite = slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundVolumeID() == reprojection_of(film, second).GetID()
    node.outputVolume = first
    assert "25 %" in widget.ui.qualityLabel.text
    assert "50 %" not in widget.ui.qualityLabel.text
    assert composite.GetForegroundVolumeID() == reprojection_of(film, first).GetID()
    logic = slicer.modules.volumerendering.logic()
    red = slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert red.GetBackgroundVolumeID() == first.GetID()
    assert logic.GetFirstVolumeRenderingDisplayNode(first).GetVisibility()
    assert not logic.GetFirstVolumeRenderingDisplayNode(second).GetVisibility()


def test_a_chosen_result_is_seen_from_where_the_other_was(widget, client) -> None:
    import slicer

    add_two_films(widget)
    apply(widget, client)
    node = widget.panel.parameterNode
    first = node.outputVolume
    node.outputVolume = None
    apply(widget, client)
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    red.SetSliceOffset(17.0)
    camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(
        slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    )
    camera.SetPosition(10.0, 900.0, 20.0)
    node.outputVolume = first
    assert red.GetSliceOffset() == pytest.approx(17.0)
    assert camera.GetPosition() == (10.0, 900.0, 20.0)


def test_another_volume_that_is_chosen_as_output_is_not_shown_before_it_is_written(widget, client) -> None:
    import slicer

    add_two_films(widget)
    apply(widget, client)
    first = widget.panel.parameterNode.outputVolume
    widget.panel.parameterNode.outputVolume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Other")
    red = slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
    assert red.GetBackgroundVolumeID() == first.GetID()


def test_nothing_lies_over_the_films_of_a_volume_that_is_no_result_of_theirs(widget, client) -> None:
    add_two_films(widget)
    apply(widget, client)
    import slicer

    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Other")
    widget.panel.parameterNode.outputVolume = other
    composite = slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic().GetSliceCompositeNode()
    assert composite.GetForegroundVolumeID() is None


def test_residuals_come_on_request(widget, client, slicer_main_window) -> None:
    add_two_films(widget)
    widget.ui.residualCheckBox.checked = True
    apply(widget, client)
    assert slicer_main_window.session.scene.GetFirstNodeByName("Front residual of x2ct-cnn volume") is not None


def test_out_of_memory_offers_the_cpu(widget, client) -> None:
    add_two_films(widget)
    widget.ui.applyButton.click()
    client.fail(code="out_of_memory", message="The graphics card ran out of memory.", offer_cpu=True)
    assert widget.ui.runOnCpuButton.isVisibleTo(widget.parent)
    widget.ui.runOnCpuButton.click()
    assert client.options.device == "cpu"


def test_closing_the_scene_drops_the_running_job(widget, client, slicer_main_window) -> None:
    add_two_films(widget)
    widget.ui.applyButton.click()
    slicer_main_window.session.scene.Clear(0)
    assert client.invalidated == 1
    assert widget.panel.films.rows == []
    assert not widget.ui.applyButton.enabled


def test_everything_comes_back_with_a_saved_scene(widget, client, slicer_main_window, tmp_path) -> None:
    add_two_films(widget)
    widget.ui.overlaySlider.value = 0.5
    widget.ui.residualCheckBox.checked = True
    apply(widget, client)
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer_main_window.session.clear()
    assert widget.panel.filmNodes() == []
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.process_events()
    widget.initializeParameterNode()
    node = widget.panel.parameterNode
    assert [film.GetName() for film in widget.panel.filmNodes()] == ["Front", "Side"]
    assert radiograph_from_node(widget.panel.filmNodes()[1]).geometry == a_film(90.0).geometry
    assert node.overlayOpacity == 0.5
    assert node.addResidual
    assert node.outputVolume.GetAttribute("XRay3D.Method") == "x2ct-cnn"
    assert all(reprojection_of(film, node.outputVolume) for film in widget.panel.filmNodes())


def test_diagnostics_are_copied(widget) -> None:
    import qt

    widget.ui.diagnosticsButton.click()
    assert qt.QApplication.clipboard().text() == "versions and devices"


def test_the_layout_comes_back_when_the_user_leaves(widget, slicer_main_window) -> None:
    import slicer

    before = slicer.app.layoutManager().layout
    add_two_films(widget)
    assert slicer.app.layoutManager().layout != before
    slicer_main_window.leave_module()
    assert slicer.app.layoutManager().layout == before


def test_the_film_layouts_are_known_from_startup_so_that_saved_scenes_have_their_views(
    slicer_main_window, load_module
) -> None:
    import slicer
    from XRayLib.scene.layout import LAYOUT_IDS

    layout_node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
    if slicer_main_window.is_stand_in:
        own = {number: layout_node.GetLayoutDescription(number) for number in layout_node.GetLayoutIndices()}
        layout_node.CopyLayoutDescriptions(slicer.vtkMRMLLayoutNode())
        for number in set(own) - set(LAYOUT_IDS.values()):
            layout_node.AddLayoutDescription(number, own[number])
        assert not any(layout_node.IsLayoutDescription(number) for number in LAYOUT_IDS.values())
    load_module("X2CTRecon")
    slicer_main_window.finish_startup()
    assert all(layout_node.IsLayoutDescription(number) for number in LAYOUT_IDS.values())


def test_the_whole_film_is_shown_once_the_views_have_their_size(widget, slicer_main_window) -> None:
    import slicer

    add_two_films(widget)
    logic = slicer.app.layoutManager().sliceWidget("XRay1").sliceLogic()
    logic.ResizeSliceNode(200, 400)  # what the layout does to a new view: the height stays, the width is cut
    slicer_main_window.process_events()
    assert logic.GetSliceNode().GetFieldOfView()[0] >= 64 * 6.0
