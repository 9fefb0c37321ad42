"""The Compare section of the X2CTRecon panel, with the worker's own code doing the work."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import FakeClient, a_ct, a_film
from modules.reconstructions import open_reconstruction
from XRayLib.ct import Volume
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def widget(slicer_main_window, load_module, client, monkeypatch):
    return open_reconstruction(slicer_main_window, load_module, client, monkeypatch)


def brighter(hu: float) -> Volume:
    return Volume(a_ct().voxels + np.float32(hu), a_ct().ijk_to_ras)


def choose(widget, reference: bool = True, second: bool = True):
    volumes = [put_volume(brighter(40), "First"), put_volume(brighter(160), "Second"), put_volume(a_ct(), "Truth")]
    node = widget.panel.parameterNode
    node.compareFirst = volumes[0]
    node.compareSecond = volumes[1] if second else None
    node.compareReference = volumes[2] if reference else None
    return volumes


def background(tag: str) -> str:
    import slicer

    composite = slicer.app.layoutManager().sliceWidget(tag).sliceLogic().GetSliceCompositeNode()
    return slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID()).GetName()


def places(node) -> tuple:
    """Where a slice view looks and how large it shows."""
    matrix = node.GetSliceToRAS()
    elements = [round(matrix.GetElement(row, column), 3) for row in range(4) for column in range(4)]
    return (*elements, *node.GetFieldOfView()[:2], *node.GetXYZOrigin())


def test_the_section_is_collapsed_and_says_what_is_missing(widget) -> None:
    assert widget.ui.compareCollapsibleButton.collapsed
    assert not widget.ui.compareButton.enabled
    assert "Choose result A first." in widget.ui.compareButton.toolTip
    volumes = choose(widget, reference=False, second=False)
    assert "result B or a reference" in widget.ui.compareButton.toolTip
    widget.panel.parameterNode.compareSecond = volumes[0]
    assert "Choose different volumes." in widget.ui.compareButton.toolTip
    film = put_radiograph(a_film(), "Film")
    widget.panel.parameterNode.compareSecond = film
    assert "'Film' is an X-ray" in widget.ui.compareButton.toolTip


def test_two_results_stand_side_by_side_with_difference_table_and_chart(
    widget, client, slicer_main_window, tmp_path
) -> None:
    import slicer
    from XRayLib.scene.comparison_views import LAYOUT_IDS

    choose(widget)
    widget.ui.compareButton.click()
    assert not widget.ui.compareButton.enabled
    client.work(tmp_path / "job")
    assert slicer.app.layoutManager().layout == LAYOUT_IDS[3, True]
    assert [background(f"Compare{c}Axial") for c in ("A", "B", "Difference")] == [
        *("First", "Second", "First - Second difference")
    ]
    difference = slicer.util.getNode("First - Second difference")
    np.testing.assert_allclose(slicer.util.arrayFromVolume(difference), -120, atol=0.01)
    assert difference.GetDisplayNode().GetWindowLevelMax() == 500
    assert difference.GetDisplayNode().GetColorNode().GetName() == "XRay3D difference"
    table = slicer.util.getNode("First - Second metrics")
    columns = [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())]
    assert columns == ["Metric", "A: First", "B: Second", "Air only", "Body of water"]
    assert table.GetCellText(0, 0) == "PSNR-3D (dB)"
    psnr = slicer.util.arrayFromTableColumn(table, "A: First")[0]
    assert psnr == pytest.approx(20 * np.log10(2500 / 40), abs=0.01)
    chart = slicer.util.getNode("First - Second chart")
    assert chart.GetNumberOfPlotSeriesNodes() == 4
    assert chart.GetTitleFontSize() <= 12  # the names of two volumes in a quarter of the window
    assert slicer.util.getNodesByClass("vtkMRMLTableViewNode")[0].GetTableNodeID() == table.GetID()
    assert slicer.util.getNodesByClass("vtkMRMLPlotViewNode")[0].GetPlotChartNodeID() == chart.GetID()


def test_the_views_are_linked_on_the_same_slices(widget, client, slicer_main_window, tmp_path) -> None:
    import slicer

    choose(widget, reference=False)
    widget.ui.compareButton.click()
    client.work(tmp_path / "job")
    logics = [slicer.app.layoutManager().sliceWidget(f"Compare{c}Axial").sliceLogic() for c in ("A", "B", "Difference")]
    assert all(logic.GetSliceCompositeNode().GetLinkedControl() for logic in logics)
    assert {logic.GetSliceNode().GetViewGroup() for logic in logics} == {10}
    assert {round(logic.GetSliceOffset(), 3) for logic in logics} == {100.0}
    assert len({places(logic.GetSliceNode()) for logic in logics}) == 1
    slicer_main_window.process_events()
    assert len({places(logic.GetSliceNode()) for logic in logics}) == 1
    logics[0].StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.SliceToRASFlag)
    logics[0].SetSliceOffset(120.0)
    logics[0].EndSliceNodeInteraction()
    assert {round(logic.GetSliceOffset(), 3) for logic in logics} == {120.0}


def test_a_result_beside_the_reference_without_difference(widget, client, slicer_main_window, tmp_path) -> None:
    import slicer

    choose(widget, second=False)
    widget.ui.differenceCheckBox.checked = False
    widget.ui.compareButton.click()
    client.work(tmp_path / "job")
    assert [background(f"Compare{c}Coronal") for c in ("A", "B")] == ["First", "Truth"]
    assert slicer.mrmlScene.GetFirstNodeByName("First - Truth difference") is None
    assert slicer.util.getNode("First - Truth metrics").GetColumnName(1) == "A: First"


def test_the_films_of_the_case_are_measured_too(widget, client, tmp_path) -> None:
    import slicer

    widget.panel.addFilm(put_radiograph(a_film(), "Front"))
    choose(widget, reference=False)
    widget.ui.compareButton.click()
    client.work(tmp_path / "job")
    assert slicer.util.getNode("First - Second metrics").GetCellText(0, 0) == "X-ray 1: contrast not explained"


def test_undo_takes_the_comparison_out_and_gives_the_layout_back(widget, client, slicer_main_window, tmp_path) -> None:
    import slicer

    volumes = choose(widget)
    volumes[1].GetDisplayNode().SetAutoWindowLevel(False)
    volumes[1].GetDisplayNode().SetWindowLevel(77.0, 11.0)
    layout = slicer.app.layoutManager().layout
    widget.ui.compareButton.click()
    client.work(tmp_path / "job")
    widget.ui.undoComparisonButton.click()
    assert [n.GetName() for n in slicer.util.getNodesByClass("vtkMRMLTableNode")] == []
    assert volumes[1].GetDisplayNode().GetWindow() == 77.0
    assert slicer.app.layoutManager().layout == layout
    assert not widget.ui.undoComparisonButton.enabled
    assert {n.GetName() for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")} == {"First", "Second", "Truth"}


def test_a_failure_is_one_sentence_and_a_cancel_changes_nothing(widget, client, slicer_main_window) -> None:
    import slicer

    choose(widget)
    before = slicer.mrmlScene.GetNumberOfNodes()
    widget.ui.compareButton.click()
    widget.ui.cancelButton.click()
    assert client.cancelled == 1
    client.fail(code="cancelled", message="Cancelled.")
    assert "unchanged" in widget.ui.statusLabel.text
    widget.ui.compareButton.click()
    client.fail(code="bad_input", message="The two volumes do not overlap.")
    assert "do not overlap" in widget.ui.statusLabel.text
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert widget.ui.compareButton.enabled


def test_the_layout_of_before_comes_back_on_leaving(widget, client, slicer_main_window, tmp_path) -> None:
    import slicer

    before = slicer.app.layoutManager().layout
    widget.panel.addFilm(put_radiograph(a_film(), "Front"))
    choose(widget, reference=False)
    widget.ui.compareButton.click()
    client.work(tmp_path / "job")
    widget.panel.showFilms()
    slicer_main_window.leave_module()
    assert slicer.app.layoutManager().layout == before
