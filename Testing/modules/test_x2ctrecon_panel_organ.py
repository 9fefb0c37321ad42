"""An organ from X-rays in the X2CTRecon panel, driven as a user drives it, with a worker that the test controls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import FakeClient, a_ct, a_film
from modules.organs import a_ball, a_mesh_result, a_model, a_segmentation
from modules.reconstructions import open_reconstruction
from vtk.util.numpy_support import vtk_to_numpy
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.scene.film_run import put_film_run
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.organ_contours import NOW_ROLE, PLANNED_ROLE, outline, outlines_of
from XRayLib.scene.organ_nodes import PLANNED_COLORS, is_organ
from XRayLib.scene.organ_table import rows_of
from XRayLib.scene.radiograph_nodes import film_geometry, put_radiograph
from XRayLib.scene.surface_nodes import surface_mesh
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer

PREPARED = {
    "bundle": "/somewhere",
    "iterations": 900,
    "validation": {"surface_mm": 1.24, "identity_surface_mm": 9.8},
}
METHOD = "organ-mesh"


class OrganClient(FakeClient):
    """Knows what is prepared, and trains when asked."""

    def __init__(self, state: dict[str, Any]) -> None:
        super().__init__()
        self.state = state
        self.subjects: list[tuple[Any, Any]] = []
        self.preparations: list[tuple[str, Any, Any]] = []

    def preparation_state(self, ct: Any, mesh: Any = None, **callbacks: Any) -> None:
        self.subjects.append((ct, mesh))
        callbacks["on_result"](self.state)

    def prepare_patient(self, _ct: Any, what: str, settings: Any, mesh: Any = None, **callbacks: Any) -> None:
        self.preparations.append((what, settings, mesh))
        self._callbacks = callbacks

    def run_method(self, method_id: str, case: Any, options: Any, keep_ct: bool = False, **callbacks: Any) -> None:
        super().run_method(method_id, case, options, **callbacks)
        self.kept_ct = keep_ct


@pytest.fixture
def state() -> dict[str, Any]:
    """What the worker says is prepared."""
    return {METHOD: dict(PREPARED)}


@pytest.fixture
def clients(state) -> list[OrganClient]:
    return []


@pytest.fixture
def widget(slicer_main_window, load_module, clients, state, monkeypatch):
    def make() -> OrganClient:
        clients.append(OrganClient(state))
        return clients[-1]

    monkeypatch.setattr("XRayLib.scene.panel.preparation.torch_installed", lambda: True)
    widget = open_reconstruction(slicer_main_window, load_module, make, monkeypatch)
    choose_method(widget, METHOD)
    return widget


@pytest.fixture
def client(widget, clients) -> OrganClient:
    return clients[0]


@pytest.fixture
def case(widget):
    """A film, a CT and a liver of that CT."""
    widget.panel.addFilm(put_radiograph(a_film(), "PA"))
    widget.ui.ctSelector.setCurrentNode(put_volume(a_ct(), "CT"))
    widget.ui.organSelector.setCurrentNode(a_model(a_ball()))
    return widget


@pytest.fixture
def run(case):
    """The film is a run of three frames."""
    case.panel.films.rows[0].removeButton.click()
    browser, film = put_film_run("Run", [replace(a_film(), source=f"frame {n}") for n in range(3)])
    case.panel.addRun(browser, [film])
    case.ui.sequenceCollapsibleButton.collapsed = False
    return case


def choose_method(widget, method: str) -> None:
    combo = widget.ui.methodComboBox
    combo.setCurrentIndex([combo.itemData(index) for index in range(combo.count)].index(method))


def is_shown(widget, part) -> bool:
    return part.isVisibleTo(widget.parent)


def found(shift=(0, 0, -12)):
    return a_mesh_result(a_ball(), shift)


def apply(widget, client, shift=(0, 0, -12)) -> None:
    widget.ui.applyButton.click()
    client.answer(found(shift))


def now(widget):
    return widget.panel.parameterNode.organNow


def lowest(node) -> float | None:
    return None if node.GetPolyData() is None else node.GetPolyData().GetBounds()[4]


# What is asked for


def test_the_panel_asks_for_what_the_method_takes(widget) -> None:
    ui = widget.ui
    assert is_shown(widget, ui.patientCollapsibleButton)
    assert is_shown(widget, ui.organWidget)
    assert is_shown(widget, ui.prepareCollapsibleButton)
    assert not is_shown(widget, ui.outputSelector)
    for method in ("nerp", "sart", "cgls"):
        choose_method(widget, method)
        assert is_shown(widget, ui.ctSelector), method
        assert not is_shown(widget, ui.organWidget)
        assert not is_shown(widget, ui.prepareCollapsibleButton)
    choose_method(widget, "x2ct-cnn")
    assert not is_shown(widget, ui.patientCollapsibleButton)
    assert is_shown(widget, ui.outputSelector)


@pytest.mark.parametrize("method", ["nerp", "cgls"])
def test_a_prior_ct_goes_to_methods_that_take_one_where_it_lies(case, client, method) -> None:
    choose_method(case, method)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Pose")
    pose = np.eye(4)
    pose[:3, 3] = (3.0, 4.0, 5.0)
    transform.SetMatrixTransformToParent(vtk_matrix(pose))
    case.panel.parameterNode.ctVolume.SetAndObserveTransformNodeID(transform.GetID())
    case.ui.applyButton.click()
    asked, sent = client.asked[-1]
    assert asked == method
    np.testing.assert_array_equal(sent.ct.voxels, a_ct().voxels)
    np.testing.assert_allclose(sent.initial_ct_to_world, pose)
    assert sent.mesh is None


def test_a_method_of_several_sizes_runs_in_the_chosen_one_and_the_scene_keeps_it(
    case, client, slicer_main_window, tmp_path
) -> None:
    ui = case.ui
    assert not is_shown(case, ui.presetComboBox)
    choose_method(case, "nerp")
    assert is_shown(case, ui.presetComboBox)
    assert [ui.presetComboBox.itemText(n) for n in range(ui.presetComboBox.count)] == ["quick", "published"]
    ui.presetComboBox.setCurrentIndex(1)
    ui.applyButton.click()
    assert client.options.extra == {"preset": "published"}
    session = slicer_main_window.session
    session.save_scene(tmp_path / "case.mrb")
    choose_method(case, "atlas")
    assert not is_shown(case, ui.presetComboBox)
    assert case.panel.parameterNode.preset == ""
    session.clear()
    session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.process_events()
    case.initializeParameterNode()
    assert (case.panel.choice.method.id, case.panel.choice.preset) == ("nerp", "published")


def test_apply_says_what_is_missing_one_thing_after_the_other(widget, client, state) -> None:
    apply_button, tips = widget.ui.applyButton, []

    def tip() -> str:
        assert not apply_button.enabled
        tips.append(apply_button.toolTip)
        return tips[-1]

    assert "X-ray view" in tip()
    widget.panel.addFilm(put_radiograph(a_film(), "PA"))
    assert "needs a CT" in tip()
    state[METHOD] = {"bundle": None, "iterations": 0}
    widget.ui.ctSelector.setCurrentNode(put_volume(a_ct(), "CT"))
    assert "Choose the organ" in tip()
    ball = a_ball()
    widget.ui.organSelector.setCurrentNode(a_model(SurfaceMesh(ball.points, ball.triangles[5:]), "Open"))
    assert "holes" in tip()
    widget.ui.organSelector.setCurrentNode(a_model(ball))
    assert "Prepare this patient" in tip()
    assert len(set(tips)) == 5


def test_a_chosen_transform_places_the_ct(case, client) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "From registration")
    pose = np.array([[0.0, -1, 0, 7], [1, 0, 0, -3], [0, 0, 1, 2], [0, 0, 0, 1]])
    transform.SetMatrixTransformToParent(vtk_matrix(pose))
    case.ui.poseSelector.setCurrentNode(transform)
    case.ui.applyButton.click()
    np.testing.assert_allclose(client.asked[-1][1].initial_ct_to_world, pose)
    client.answer(found())
    assert case.panel.parameterNode.organPlanned.GetParentTransformNode() is transform


def test_a_transform_that_scales_is_refused_in_words(case) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Scaled")
    transform.SetMatrixTransformToParent(vtk_matrix(np.diag([2.0, 2.0, 2.0, 1.0])))
    case.ui.poseSelector.setCurrentNode(transform)
    assert not case.ui.applyButton.enabled
    assert "scales" in case.ui.applyButton.toolTip


def test_a_segment_is_meshed_in_the_worker_and_found_in_its_colour(case, client) -> None:
    labels = np.zeros(a_ct().voxels.shape, np.float32)
    labels[14:26, 14:26, 14:26] = 5
    segmentation = a_segmentation(Volume(labels, a_ct().ijk_to_ras, "label"), {"Liver": 5})
    case.ui.organSelector.setCurrentNode(segmentation)
    assert "being made" in case.ui.applyButton.toolTip
    client.template_callbacks["on_result"](a_ball())
    assert case.ui.applyButton.enabled
    apply(case, client)
    assert now(case).GetName() == "Liver now"
    assert now(case).GetDisplayNode().GetColor() == pytest.approx((0.7, 0.5, 0.2), abs=1e-4)
    segment = segmentation.GetSegmentation().GetNthSegmentID(0)
    assert not segmentation.GetDisplayNode().GetSegmentVisibility3D(segment)


def test_a_failed_meshing_is_told(case, client) -> None:
    labels = np.zeros(a_ct().voxels.shape, np.float32)
    labels[20, 20, 20] = 1
    case.ui.organSelector.setCurrentNode(a_segmentation(Volume(labels, a_ct().ijk_to_ras, "label"), {"Dot": 1}))
    client.template_callbacks["on_error"](failure("The organ is too thin for a template of so few vertices."))
    assert not case.ui.applyButton.enabled
    assert "too thin" in case.ui.applyButton.toolTip


def failure(message: str):
    from XRayLib.jobs.failure import JobFailure

    return JobFailure("bad_input", message)


# Preparation


def test_what_is_prepared_is_told_for_ct_organ_and_method(case, client, state) -> None:
    assert "900 iterations" in case.ui.preparationLabel.text
    assert "1.2 mm off (median; 9.8 mm where it was planned)" in case.ui.preparationLabel.text
    np.testing.assert_allclose(client.subjects[-1][1].points, a_ball().points)
    choose_method(case, "igcn")
    assert "Not prepared" in case.ui.preparationLabel.text
    assert "Prepare this patient" in case.ui.applyButton.toolTip
    choose_method(case, METHOD)
    assert case.ui.applyButton.enabled


def test_preparing_trains_for_the_films_angles_in_a_worker_of_its_own(case, clients, state) -> None:
    case.panel.addFilm(put_radiograph(a_film(88.0, "LL"), "Side"))
    state[METHOD] = {"bundle": None, "iterations": 0}
    case.panel.preparation.follow(case.panel.parameterNode)
    case.panel.refresh()
    case.ui.minutesSpinBox.value = 20
    case.ui.prepareButton.click()
    panel_client, trainer = clients
    what, settings, organ = trainer.preparations[0]
    assert what == METHOD
    assert settings == {"minutes": 20.0, "device": "auto", "views_deg": [(0.0, 0.0), (90.0, 0.0)]}
    np.testing.assert_allclose(organ.points, a_ball().points)
    assert panel_client.preparations == []
    trainer.answer({METHOD: dict(PREPARED)})
    assert case.ui.applyButton.enabled
    assert "is prepared" in case.ui.preparationStatusLabel.text


# The result


def test_the_result_is_the_organ_now_beside_the_planned_one(case, client) -> None:
    apply(case, client)
    node = case.panel.parameterNode
    points = vtk_to_numpy(node.organNow.GetPolyData().GetPoints().GetData())
    np.testing.assert_allclose(points - a_ball().points, np.tile([0.0, 0.0, -12.0], (len(points), 1)), atol=1e-9)
    assert node.organNow.GetDisplayNode().GetColor() == (0.8, 0.4, 0.3)
    assert node.organPlanned.GetDisplayNode().GetRepresentation() == 1
    assert len(outlines_of(case.panel.filmNodes()[0])) == 2
    assert node.organNow.GetAttribute("XRay3D.Method") == METHOD
    text = case.ui.qualityLabel.text
    for words in (
        "12.0 mm on average",
        "3.0 mm (median), up to 5.0 mm",
        "ml planned",
        "0.950, 0.900 before",
        "no depth",
    ):
        assert words in text
    row = rows_of(node.organTable)[0]
    assert (row["Organ"], row["Method"]) == ("Liver", METHOD)
    assert float(row["Planned (ml)"]) == pytest.approx(float(row["Now (ml)"]), abs=0.02)


def test_refinement_is_the_users_choice(case, client) -> None:
    case.ui.applyButton.click()
    assert client.options.extra == {"refine": True}
    client.answer(found())
    case.ui.refineCheckBox.checked = False
    case.ui.applyButton.click()
    assert client.options.extra == {"refine": False}


def test_colours_planned_state_and_outlines_are_switched(case, client) -> None:
    apply(case, client)
    display, ui = now(case).GetDisplayNode(), case.ui
    combo = ui.coloringComboBox
    assert not display.GetScalarVisibility()
    for index, name in ((1, "displacement_mm"), (2, "deviation_mm")):
        combo.setCurrentIndex(index)
        assert display.GetScalarVisibility()
        assert display.GetActiveScalarName() == name
        assert slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(display).GetVisibility()
    assert display.GetScalarRange() == (0.0, 5.0)
    combo.setCurrentIndex(0)
    assert not display.GetScalarVisibility()
    lines_now, planned = (film_line for film_line in outlines_of(case.panel.filmNodes()[0]))
    ui.plannedCheckBox.click()
    assert not case.panel.parameterNode.organPlanned.GetDisplayNode().GetVisibility()
    assert [line.GetDisplayNode().GetVisibility() for line in (lines_now, planned)] == [1, 0]
    ui.outlinesCheckBox.click()
    assert not lines_now.GetDisplayNode().GetVisibility()


def test_undo_takes_one_result_after_the_other_out(case, client) -> None:
    assert not is_shown(case, case.ui.organCollapsibleButton)
    apply(case, client)
    first = lowest(now(case))
    apply(case, client, shift=(0, 0, -30))
    assert lowest(now(case)) == pytest.approx(first - 18)
    case.ui.undoButton.click()
    assert lowest(now(case)) == pytest.approx(first)
    assert "12.0 mm" in case.ui.qualityLabel.text
    case.ui.undoButton.click()
    assert now(case) is None
    assert outlines_of(case.panel.filmNodes()[0]) == []
    assert slicer.util.getNode("Liver").GetDisplayNode().GetVisibility3D()
    assert case.ui.qualityLabel.text == "No result yet."
    assert not case.ui.undoButton.enabled


def test_another_organ_gets_models_of_its_own_and_a_row_in_the_same_table(case, client) -> None:
    apply(case, client)
    liver = now(case)
    spleen = a_model(a_ball(), "Spleen")
    case.ui.organSelector.setCurrentNode(spleen)
    apply(case, client, shift=(5, 0, 0))
    assert now(case).GetName() == "Spleen now"
    assert now(case) is not liver
    assert [row["Organ"] for row in rows_of(case.panel.parameterNode.organTable)] == ["Liver", "Spleen"]
    case.ui.undoButton.click()
    assert now(case) is liver


def test_cancel_and_failure_leave_the_scene_as_it_was(case, client) -> None:
    before = slicer.mrmlScene.GetNumberOfNodes()
    case.ui.applyButton.click()
    case.ui.cancelButton.click()
    client.fail(code="cancelled", message="Cancelled.")
    assert "unchanged" in case.ui.statusLabel.text
    case.ui.applyButton.click()
    client.fail(code="bad_input", message="X-ray 1 does not show the organ where the CT lies now.")
    assert "does not show the organ" in case.ui.statusLabel.text
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert not case.ui.undoButton.enabled


def test_a_saved_scene_comes_back_with_organ_and_choices(case, client, slicer_main_window, tmp_path) -> None:
    apply(case, client)
    case.ui.coloringComboBox.setCurrentIndex(2)
    told = case.ui.qualityLabel.text
    slicer_main_window.session.save_scene(tmp_path / "case.mrb")
    slicer_main_window.session.clear()
    slicer_main_window.session.load_scene(tmp_path / "case.mrb")
    slicer_main_window.process_events()
    case.initializeParameterNode()
    node = case.panel.parameterNode
    assert case.ui.qualityLabel.text == told
    assert node.organNow.GetDisplayNode().GetActiveScalarName() == "deviation_mm"
    assert case.ui.coloringComboBox.currentIndex == 2
    assert node.organPlanned.GetName() == "Liver planned"
    assert rows_of(node.organTable)[0]["Organ"] == "Liver"
    assert len(outlines_of(case.panel.filmNodes()[0])) == 2
    assert case.ui.applyButton.enabled
    assert not case.ui.undoButton.enabled


# A run of X-rays


def test_one_film_is_no_run(case) -> None:
    assert not case.ui.applyRunButton.enabled
    assert "run of X-rays" in case.ui.applyRunButton.toolTip


def test_the_organ_of_every_frame_plays_with_the_film(run, client) -> None:
    run.ui.applyRunButton.click()
    for frame in range(3):
        assert client.asked[-1][1].radiographs[0].source == f"frame {frame}"
        assert client.kept_ct
        assert client.options.extra == {"refine": False}
        client.progress(0.5, "Reading the films")
        assert f"Frame {frame + 1} of 3: Reading the films" in run.ui.statusLabel.text
        client.answer(found((0, 0, -10.0 * (frame + 1))))
    assert "3 of 3 frames done." in run.ui.statusLabel.text
    assert "s per frame" in run.ui.statusLabel.text
    browser, bottom = run.panel.parameterNode.sequenceBrowser, float(a_ball().points[:, 2].min())
    for frame in (2, 0, 1):
        browser.SetSelectedItemNumber(frame)  # as Slicer's tool bar does
        assert lowest(now(run)) == pytest.approx(bottom - 10.0 * (frame + 1))
        assert run.ui.frameSlider.value == frame + 1
        assert f"{10 * (frame + 1)}.0 mm on average" in run.ui.qualityLabel.text
    table = run.ui.frameTable
    assert [table.item(row, 1).text() for row in range(3)] == ["10.0 mm", "20.0 mm", "30.0 mm"]
    assert all(float(table.item(row, 4).text().split()[0]) >= 0 for row in range(3))
    assert [row["Frame"] for row in rows_of(run.panel.parameterNode.organTable)] == ["1", "2", "3"]
    run.ui.coloringComboBox.setCurrentIndex(1)
    assert now(run).GetDisplayNode().GetScalarRange() == (0.0, 30.0)  # the same in every frame


def test_with_a_run_go_the_outlines_of_all_its_frames(run, client) -> None:
    run.ui.applyRunButton.click()
    for _frame in range(3):
        client.answer(found())
    assert len(outlines_of(run.panel.filmNodes()[0])) == 2
    run.panel.films.rows[0].removeButton.click()
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    left = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if "organ" in node.GetName()]
    assert not left
    assert lowest(now(run)) is not None


def test_apply_finds_the_organ_on_the_shown_frame_alone(run, client) -> None:
    run.ui.frameSlider.value = 2
    run.ui.applyButton.click()
    assert client.asked[-1][1].radiographs[0].source == "frame 1"
    run.ui.frameSlider.value = 3  # meanwhile
    client.answer(found())
    assert run.ui.frameSlider.value == 2
    assert run.ui.frameTable.item(1, 1).text() == "12.0 mm"
    run.ui.frameSlider.value = 1
    assert lowest(now(run)) is None


def test_a_second_result_of_a_frame_takes_its_outlines_along(run, client) -> None:
    for shift in ((0, 0, -12), (0, 0, 15)):
        run.ui.frameSlider.value = 2
        run.ui.applyButton.click()
        client.answer(a_mesh_result(a_ball(), shift))
    outlined = outline(surface_mesh(now(run).GetPolyData(), np.eye(4)), film_geometry(run.panel.filmNodes()[0]))
    for frame in (1, 2):
        run.ui.frameSlider.value = frame
    shown = run.panel.filmNodes()[0].GetNodeReference(NOW_ROLE).GetPolyData()
    np.testing.assert_allclose(shown.GetBounds(), outlined.GetBounds(), atol=1e-3)


def test_a_run_goes_on_with_the_organ_that_it_began_with(run, client) -> None:
    run.ui.applyRunButton.click()
    client.answer(found())
    first = client.asked[-1][1].mesh
    name = now(run).GetAttribute("XRay3D.Organ")
    other = a_model(a_ball())
    other.SetName("Other organ")
    run.ui.organSelector.setCurrentNode(other)
    client.answer(found())
    assert client.asked[-1][1].mesh is first
    assert now(run).GetAttribute("XRay3D.Organ") == name


def test_cancel_keeps_the_frames_that_are_done_and_shows_no_organ_on_the_others(run, client) -> None:
    run.ui.applyRunButton.click()
    client.answer(found())
    run.ui.cancelButton.click()
    client.fail(code="cancelled", message="Cancelled.")
    assert "Cancelled. 1 of 3 frames done." in run.ui.statusLabel.text
    run.ui.frameSlider.value = 1
    assert lowest(now(run)) is not None
    run.ui.frameSlider.value = 3
    assert lowest(now(run)) is None
    assert run.ui.qualityLabel.text == "No result yet."
    assert not any(line.GetPolyData() and line.GetPolyData().GetNumberOfLines() for line in outlines_of(film(run)))
    run.ui.frameSlider.value = 1
    assert "12.0 mm" in run.ui.qualityLabel.text


def test_a_run_that_is_cancelled_before_its_first_frame_leaves_nothing_to_take_back(run, client) -> None:
    run.ui.applyRunButton.click()
    run.ui.cancelButton.click()
    client.fail(code="cancelled", message="Cancelled.")
    assert not run.ui.undoButton.enabled


def test_an_organ_that_the_user_deletes_stays_away_at_every_frame(run, client) -> None:
    run.ui.applyRunButton.click()
    for _frame in range(3):
        client.answer(found())
    slicer.mrmlScene.RemoveNode(now(run))
    for index in (0, 2):
        run.panel.parameterNode.sequenceBrowser.SetSelectedItemNumber(index)
        slicer.modules.sequences.logic().UpdateAllProxyNodes()
    assert run.panel.parameterNode.organNow is None
    assert not any(is_organ(node) for node in slicer.util.getNodesByClass("vtkMRMLModelNode"))
    assert len(run.panel.frames.values()) == 3
    run.ui.applyButton.click()
    client.answer(found())
    assert lowest(now(run)) is not None
    run.ui.undoButton.click()
    assert run.panel.parameterNode.organNow is None


def test_slices_stay_on_a_ct_that_another_transform_than_its_own_places(case, client) -> None:
    far = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Far")
    matrix = np.eye(4)
    matrix[0, 3] = 900.0
    far.SetMatrixTransformToParent(vtk_matrix(matrix))
    case.ui.poseSelector.setCurrentNode(far)
    case.ui.applyButton.click()
    moved = a_mesh_result(a_ball())
    client.answer(replace(moved, mesh=replace(moved.mesh, points=moved.mesh.points + matrix[:3, 3])))
    assert abs(slicer.app.layoutManager().sliceWidget("Yellow").sliceLogic().GetSliceOffset()) < 300


def film(widget):
    return widget.panel.filmNodes()[0]


def test_the_user_may_look_at_another_frame_meanwhile(run, client) -> None:
    run.ui.applyRunButton.click()
    client.answer(found((0, 0, -10)))
    run.ui.frameSlider.value = 3
    client.answer(found((0, 0, -20)))
    client.answer(found((0, 0, -30)))
    bottom = float(a_ball().points[:, 2].min())
    for frame in range(3):
        run.ui.frameSlider.value = frame + 1
        assert lowest(now(run)) == pytest.approx(bottom - 10.0 * (frame + 1))


def test_undo_takes_a_whole_run_back(run, client) -> None:
    run.ui.applyRunButton.click()
    for _frame in range(3):
        client.answer(found())
    run.ui.undoButton.click()
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    assert now(run) is None
    assert outlines_of(film(run)) == []
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 1
    run.ui.frameSlider.value = 2
    assert run.ui.qualityLabel.text == "No result yet."


def test_a_saved_run_plays_again(run, client, slicer_main_window, tmp_path) -> None:
    run.ui.applyRunButton.click()
    for frame in range(3):
        client.answer(found((0, 0, -10.0 * (frame + 1))))
    slicer_main_window.session.save_scene(tmp_path / "run.mrb")
    slicer_main_window.session.clear()
    slicer_main_window.session.load_scene(tmp_path / "run.mrb")
    slicer_main_window.process_events()
    run.initializeParameterNode()
    bottom = float(a_ball().points[:, 2].min())
    for frame in (0, 2):
        run.ui.frameSlider.value = frame + 1
        assert lowest(now(run)) == pytest.approx(bottom - 10.0 * (frame + 1), abs=1e-3)
        assert f"{10 * (frame + 1)}.0 mm on average" in run.ui.qualityLabel.text


def test_the_organ_as_planned_is_told_apart_from_one_that_is_blue_itself(case, client) -> None:
    liver = case.ui.organSelector.currentNode()
    for own, planned in (((0.8, 0.3, 0.2), PLANNED_COLORS[0]), ((0.2, 0.45, 0.9), PLANNED_COLORS[1])):
        liver.GetDisplayNode().SetColor(*own)
        case.ui.applyButton.click()
        client.answer(found())
        assert case.panel.parameterNode.organPlanned.GetDisplayNode().GetColor() == planned
        assert film(case).GetNodeReference(PLANNED_ROLE).GetDisplayNode().GetColor() == planned
