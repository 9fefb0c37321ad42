"""findOrgan and prepareOrgan for scripts; the test plays the worker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct, a_film
from modules.organs import a_ball, a_mesh_result, a_model, a_segmentation
from vtk.util.numpy_support import vtk_to_numpy
from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.scene.matrices import local_to_world, vtk_matrix
from XRayLib.scene.organ_contours import outlines_of
from XRayLib.scene.organ_table import rows_of
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.volume_nodes import put_volume

pytestmark = pytest.mark.slicer


class Worker:
    """Moves every organ down by 12 mm."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, Case, Options]] = []
        self.meshed: list[Any] = []
        self.preparations: list[tuple[str, Any, Any]] = []

    def run_blocking(self, method_id: str, case: Case, options: Options) -> Result:
        self.runs.append((method_id, case, options))
        return a_mesh_result(case.mesh)

    def organ_template(self, organ: Any) -> Any:
        self.meshed.append(organ)
        return a_ball()

    def prepare_patient(self, _ct: Any, what: str, settings: Any, mesh: Any) -> Any:
        self.preparations.append((what, settings, mesh))
        return {what: {"bundle": "/somewhere"}}


@pytest.fixture
def worker(slicer_main_window, load_module, monkeypatch) -> Worker:
    load_module("X2CTRecon")
    worker = Worker()
    monkeypatch.setattr("X2CTReconLib.panel_organ_scripting.blocking_client", lambda: worker)
    monkeypatch.setattr("X2CTReconLib.panel_organ_scripting.finished", lambda value: value)
    return worker


@pytest.fixture
def logic(worker, slicer_main_window):
    return slicer_main_window.open_module("X2CTRecon").logic


@pytest.fixture
def case(worker) -> tuple[Any, Any, list[Any]]:
    """CT, liver and a frontal film."""
    return put_volume(a_ct(), "CT"), a_model(a_ball()), [put_radiograph(a_film(), "PA")]


def points_of(model: Any) -> np.ndarray:
    return vtk_to_numpy(model.GetPolyData().GetPoints().GetData())


def number_of_nodes() -> int:
    return slicer.mrmlScene.GetNumberOfNodes()


def test_the_organ_comes_back_as_a_model_with_its_numbers_outlines_and_table(logic, worker, case) -> None:
    ct, liver, films = case
    model = logic.findOrgan(ct, liver, films)
    method_id, given, options = worker.runs[0]
    assert (method_id, options.extra) == ("organ-mesh", {})
    np.testing.assert_allclose(given.mesh.points, a_ball().points)
    np.testing.assert_allclose(given.initial_ct_to_world, np.eye(4))
    np.testing.assert_allclose(points_of(model), a_ball().points - [0, 0, 12], atol=1e-9)
    assert model.GetAttribute("XRay3D.Method") == "organ-mesh"
    assert {"displacement_mm", "deviation_mm"} <= {
        model.GetPolyData().GetPointData().GetArrayName(n)
        for n in range(model.GetPolyData().GetPointData().GetNumberOfArrays())
    }
    assert len(outlines_of(films[0])) == 2
    node = logic.getParameterNode()
    assert node.organNow.GetID() == model.GetID()
    assert [row["Organ"] for row in rows_of(node.organTable)] == ["Liver"]


@pytest.mark.parametrize("as_node", [True, False], ids=["transform node", "matrix"])
def test_the_pose_places_the_ct_and_the_planned_organ(logic, worker, case, as_node: bool) -> None:
    ct, liver, films = case
    pose: Any = np.eye(4)
    pose[:3, 3] = (5.0, 6.0, 7.0)
    given = pose
    if as_node:
        given = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Registered")
        given.SetMatrixTransformToParent(vtk_matrix(pose))
    logic.findOrgan(ct, liver, films, pose=given, options={"refine": False})
    assert worker.runs[0][2].extra == {"refine": False}
    np.testing.assert_allclose(worker.runs[0][1].initial_ct_to_world, pose)
    np.testing.assert_allclose(local_to_world(logic.getParameterNode().organPlanned), pose)


def test_without_a_pose_the_ct_lies_where_its_transform_puts_it(logic, worker, case) -> None:
    ct, liver, films = case
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Pose")
    shift = np.eye(4)
    shift[0, 3] = 9.0
    transform.SetMatrixTransformToParent(vtk_matrix(shift))
    ct.SetAndObserveTransformNodeID(transform.GetID())
    liver.SetAndObserveTransformNodeID(transform.GetID())
    logic.findOrgan(ct, liver, films)
    np.testing.assert_allclose(worker.runs[0][1].initial_ct_to_world, shift)
    np.testing.assert_allclose(worker.runs[0][1].mesh.points, a_ball().points, atol=1e-6)


def test_a_segment_is_named_and_meshed_by_the_worker(logic, worker, case) -> None:
    ct, _liver, films = case
    voxels = np.zeros((20, 20, 20), np.float32)
    voxels[5:9] = 1
    voxels[10:15] = 2
    both = a_segmentation(Volume.axis_aligned(voxels, (5.0, 5.0, 5.0)), {"Liver": 1, "Spleen": 2})
    with pytest.raises(InputError, match="Name one segment of 'Organs': Liver, Spleen"):
        logic.findOrgan(ct, both, films)
    model = logic.findOrgan(ct, both, films, segment="Spleen")
    assert worker.meshed[0].voxels.sum() == (voxels == 2).sum()
    assert model.GetAttribute("XRay3D.Organ") == "Spleen"
    only = a_segmentation(Volume.axis_aligned(voxels, (5.0, 5.0, 5.0)), {"Liver": 1})
    assert logic.findOrgan(ct, only, films).GetAttribute("XRay3D.Organ") == "Liver"


def test_each_call_makes_a_model_of_its_own_unless_one_is_given(logic, case) -> None:
    ct, liver, films = case
    first = logic.findOrgan(ct, liver, films)
    second = logic.findOrgan(ct, liver, films)
    assert first.GetID() != second.GetID()
    before = number_of_nodes()
    assert logic.findOrgan(ct, liver, films, outputModel=second).GetID() == second.GetID()
    assert number_of_nodes() == before


def test_bad_input_is_refused_in_a_sentence_and_changes_nothing(logic, worker, case) -> None:
    ct, liver, films = case
    before = number_of_nodes()
    for match, arguments in (
        ("finds no organ", {"method": "x2ct-cnn"}),
        ("4x4 matrix", {"pose": [1.0, 2.0]}),
        ("at most 4|up to 4|1 to 4|X-ray view", {"films": films * 5}),
    ):
        with pytest.raises(InputError, match=match):
            logic.findOrgan(**{"ct": ct, "organ": liver, "films": films} | arguments)
    assert worker.runs == []
    assert number_of_nodes() == before


def test_a_result_that_cannot_be_shown_leaves_the_scene_as_it_was(logic, worker, case, monkeypatch) -> None:
    ct, liver, films = case
    before = number_of_nodes()
    monkeypatch.setattr("XRayLib.scene.organ_result.put_row", lambda *_arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        logic.findOrgan(ct, liver, films, pose=np.eye(4))
    assert number_of_nodes() == before
    assert liver.GetDisplayNode().GetVisibility3D()


def test_preparing_is_for_the_organ_and_the_films_angles(logic, worker, case) -> None:
    ct, liver, films = case
    side = put_radiograph(a_film(88.0, "LL"), "Side")
    state = logic.prepareOrgan(ct, liver, [*films, side], method="igcn", minutes=20)
    what, settings, organ = worker.preparations[0]
    assert (what, settings) == ("igcn", {"minutes": 20.0, "views_deg": [(0.0, 0.0), (90.0, 0.0)]})
    np.testing.assert_allclose(organ.points, a_ball().points)
    assert state["igcn"]["bundle"]
    logic.prepareOrgan(ct, liver)
    assert worker.preparations[1][1] == {"minutes": 45.0}
