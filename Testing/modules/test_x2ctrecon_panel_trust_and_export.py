"""What the X2CTRecon panel shows of what cannot be known, and what it writes: report, DICOM, NRRD, STL."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import FakeClient, a_film, a_result
from modules.reconstructions import add_two_films, open_reconstruction
from report_words import report_words
from XRayLib.case import Result
from XRayLib.ct import Volume, load_ct
from XRayLib.scene.film_run import put_film_run
from XRayLib.tomography import undetermined as undetermined_module
from XRayLib.tomography.undetermined import Undetermined

pytestmark = pytest.mark.slicer


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def widget(slicer_main_window, load_module, client, monkeypatch):
    monkeypatch.setattr(undetermined_module, "VOXELS_ALONG_THE_LONGEST_SIDE", 8)
    widget = open_reconstruction(slicer_main_window, load_module, client, monkeypatch)
    add_two_films(widget, ("Doe^Jane front", "Doe^Jane side"))
    return widget


def reconstruct(widget, client, with_uncertainty: bool = False):
    widget.ui.applyButton.click()
    result = a_result(client.asked[-1][1])
    if with_uncertainty:
        deviation = Volume(np.full(result.volume.voxels.shape, 120, np.float32), result.volume.ijk_to_ras, "HU_sd")
        fields = {name: getattr(result, name) for name in ("method", "volume", "views", "warnings", "provenance")}
        result = Result(**fields, uncertainty=deviation)
    client.answer(result)
    return widget.panel.parameterNode.outputVolume


def over_the_slices(tag: str = "Red"):
    import slicer

    composite = slicer.app.layoutManager().sliceWidget(tag).sliceLogic().GetSliceCompositeNode()
    node = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
    return node, composite.GetForegroundOpacity()


def color_by(widget, index: int) -> None:
    widget.ui.trustComboBox.setCurrentIndex(index)


def test_without_a_result_every_button_says_why(widget) -> None:
    ui = widget.ui
    for button in (ui.undeterminedButton, ui.reportButton, ui.openReportButton, ui.dicomButton, ui.nrrdButton):
        assert not button.enabled
        assert button.toolTip
    assert "no volume" in ui.undeterminedButton.toolTip
    assert "Find an organ first." in ui.stlButton.toolTip
    assert ui.exportCollapsibleButton.collapsed


def legend_of(node):
    import slicer

    return slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node.GetDisplayNode())


def test_the_uncertainty_of_a_method_colours_the_slices(widget, client, slicer_main_window) -> None:
    reconstruct(widget, client, with_uncertainty=True)
    assert over_the_slices()[0] is None
    color_by(widget, 1)
    node, opacity = over_the_slices()
    assert node.GetName() == "x2ct-cnn volume uncertainty (SD)"
    assert node.GetDisplayNode().GetWindowLevelMax() == 400
    assert opacity == 0.5
    assert "standard deviation" in widget.ui.trustTextLabel.text
    legend = legend_of(node)
    assert legend.GetVisibility()
    assert legend.GetTitleText() == "SD (HU)"
    assert list(legend.GetViewNodeIDs()) == ["vtkMRMLSliceNodeRed"]
    color_by(widget, 0)
    assert over_the_slices()[0] is None
    assert not legend.GetVisibility()
    assert widget.ui.trustTextLabel.text == ""


def test_a_method_without_uncertainty_says_so_and_loses_the_one_of_another(widget, client) -> None:
    reconstruct(widget, client, with_uncertainty=True)
    color_by(widget, 1)
    uncertainty = over_the_slices()[0]
    reconstruct(widget, client)
    assert over_the_slices()[0] is None
    assert not legend_of(uncertainty).GetVisibility()
    assert widget.ui.trustTextLabel.text == "This method gives no uncertainty."


def test_what_the_x_rays_do_not_determine_is_computed_and_shown(widget, client, tmp_path) -> None:
    import slicer

    volume = reconstruct(widget, client)
    color_by(widget, 2)
    assert "Not computed yet" in widget.ui.trustTextLabel.text
    color_by(widget, 0)
    widget.ui.undeterminedButton.click()
    assert not widget.ui.undeterminedButton.enabled
    client.work(tmp_path / "job")
    node, _opacity = over_the_slices()
    assert node is volume.GetNodeReference("XRay3DUndetermined")
    assert widget.ui.trustComboBox.currentIndex == 2
    values = slicer.util.arrayFromVolume(node)
    assert 0.01 < values[values > 0].mean() < 1
    assert "undetermined" in widget.ui.trustTextLabel.text
    reconstruct(widget, client)
    assert over_the_slices()[0] is None
    assert "Not computed yet" in widget.ui.trustTextLabel.text


def test_an_answer_about_a_volume_that_has_changed_is_dropped(widget, client) -> None:
    import slicer

    volume = reconstruct(widget, client)
    widget.ui.undeterminedButton.click()
    slicer.util.updateVolumeFromArray(volume, np.zeros((5, 5, 5), np.float32))
    client.answer(Undetermined(Volume(np.ones((5, 5, 5), np.float32), np.eye(4), "undetermined_share"), 0.5, 20.0))
    assert volume.GetNodeReference("XRay3DUndetermined") is None


def test_what_a_job_says_is_also_in_the_status_bar(widget, client) -> None:
    import slicer

    reconstruct(widget, client)
    widget.ui.undeterminedButton.click()
    client.progress(0.4, "Projecting changes")
    assert "Projecting changes" in widget.ui.statusLabel.text
    assert slicer.util.mainWindow().statusBar().currentMessage() == widget.ui.statusLabel.text


def test_a_cancel_leaves_the_slices_as_they_were(widget, client) -> None:
    reconstruct(widget, client)
    widget.ui.undeterminedButton.click()
    widget.ui.cancelButton.click()
    client.fail(code="cancelled", message="Cancelled.")
    assert over_the_slices()[0] is None
    assert widget.ui.undeterminedButton.enabled


def test_the_report_has_pictures_limits_and_no_names(widget, client, slicer_main_window, tmp_path, monkeypatch) -> None:
    import qt

    reconstruct(widget, client, with_uncertainty=True)
    folder = tmp_path / "report"
    slicer_main_window.file_dialog_answers.append(str(folder))
    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    widget.ui.reportButton.click()
    client.work(tmp_path / "job")
    html = (folder / "report.html").read_text()
    assert html.count("data:image/png") >= 6 + 3 + 6
    for words in ("x2ct-cnn", "Depth is a guess.", "Lesions may be missing", "What cannot be known", "undetermined"):
        assert words in html
    assert "Doe" not in report_words(html)
    assert (folder / "view2_residual.nrrd").is_file()
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert opened == []
    widget.ui.openReportButton.click()
    assert opened == [str(folder / "report.html")]


def test_dicom_and_nrrd_hold_the_volume_in_its_place(widget, client, slicer_main_window, tmp_path) -> None:
    import pydicom

    reconstruct(widget, client)
    truth = a_result_volume(client)
    slicer_main_window.file_dialog_answers += [str(tmp_path), str(tmp_path / "volume")]
    widget.ui.dicomButton.click()
    client.work(tmp_path / "dicom job")
    widget.ui.nrrdButton.click()
    client.work(tmp_path / "nrrd job")
    slices = sorted((tmp_path / "XRay3D reconstruction").iterdir())
    assert pydicom.dcmread(slices[0]).SeriesDescription == "RESEARCH - RECONSTRUCTED FROM X-RAYS"
    for back in (load_ct(tmp_path / "XRay3D reconstruction"), load_ct(tmp_path / "volume.nrrd")):
        ijk = np.rint(np.linalg.inv(back.ijk_to_ras) @ truth.ijk_to_ras @ [19, 21, 27, 1])[:3].astype(int)
        assert back.voxels[ijk[2], ijk[1], ijk[0]] == truth.voxels[27, 21, 19]
    assert "volume.nrrd" in widget.ui.statusLabel.text


def a_result_volume(client: FakeClient) -> Volume:
    from modules.films import a_ct

    return a_ct()


def test_a_write_that_fails_is_told_in_one_sentence(widget, client, slicer_main_window) -> None:
    reconstruct(widget, client)
    slicer_main_window.file_dialog_answers.append("/nowhere")
    widget.ui.dicomButton.click()
    assert json.loads(json.dumps(client.submitted.params))["kind"] == "dicom"
    client.fail(code="bad_input", message="The folder cannot be written.")
    assert "cannot be written" in widget.ui.statusLabel.text


def test_an_organ_becomes_an_stl_in_ras(widget, slicer_main_window, tmp_path: Path) -> None:
    import slicer
    import vtk
    from XRayLib.mesh.load import load_mesh

    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(30.0, -20.0, 110.0)
    sphere.SetRadius(12.0)
    sphere.Update()
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Liver")
    model.SetAndObservePolyData(sphere.GetOutput())
    model.CreateDefaultDisplayNodes()
    widget.panel.parameterNode.organNow = model
    slicer_main_window.file_dialog_answers.append(str(tmp_path / "liver.stl"))
    widget.ui.stlButton.click()
    back = load_mesh(tmp_path / "liver.stl")
    np.testing.assert_allclose(back.points.mean(axis=0), (30.0, -20.0, 110.0), atol=0.5)
    assert "RAS" in widget.ui.statusLabel.text


def test_a_volume_of_one_frame_of_a_run_says_nothing_of_another(widget, client) -> None:
    for row in list(widget.panel.films.rows):
        row.removeButton.click()
    browser, film = put_film_run("Run", [replace(a_film(), source=f"frame {n}") for n in range(3)])
    widget.panel.addRun(browser, [film])
    browser.SetSelectedItemNumber(1)
    widget.ui.applyButton.click()
    result = a_result(client.asked[-1][1])
    browser.SetSelectedItemNumber(2)  # meanwhile
    client.answer(result)
    assert browser.GetSelectedItemNumber() == 1
    volume = widget.panel.parameterNode.outputVolume
    assert "contrast is not explained" in widget.ui.qualityLabel.text
    assert widget.ui.reportButton.enabled
    assert widget.panel.projectedVolume() is volume
    browser.SetSelectedItemNumber(2)
    assert "frame 2 of the run, frame 3 is shown" in widget.ui.qualityLabel.text
    assert "contrast is not explained" not in widget.ui.qualityLabel.text
    assert "frame 2 of the run" in widget.ui.reportButton.toolTip
    assert not widget.ui.reportButton.enabled
    assert widget.panel.projectedVolume() is None
