"""An organ's result as nodes: surface, planned state, outlines, table, runs; one step that can be taken back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer
from modules.films import a_ct, a_film
from modules.organs import a_ball, a_mesh_result, a_model, a_segmentation
from vtk.util.numpy_support import vtk_to_numpy
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.mesh import organ_template
from XRayLib.scene.film_run import put_film_run
from XRayLib.scene.matrices import vtk_matrix
from XRayLib.scene.organ_contours import NOW_ROLE, outlines_of
from XRayLib.scene.organ_nodes import scalars_of, show_organ_as
from XRayLib.scene.organ_result import OrganInput, OrganNodes, put_organ_result
from XRayLib.scene.organ_sequence import frame_measures, store_frame
from XRayLib.scene.organ_source import OrganSource
from XRayLib.scene.organ_table import rows_of
from XRayLib.scene.radiograph_nodes import put_radiograph
from XRayLib.scene.scene_step import SceneStep
from XRayLib.scene.volume_nodes import put_volume

pytestmark = [pytest.mark.slicer, pytest.mark.usefixtures("session")]


@pytest.fixture
def ct():
    return put_volume(a_ct(), "CT")


def a_transform(matrix: np.ndarray):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Pose")
    node.SetMatrixTransformToParent(vtk_matrix(matrix))
    return node


def a_pose() -> np.ndarray:
    return np.array([[0.0, -1, 0, 20], [1, 0, 0, -5], [0, 0, 1, 40], [0, 0, 0, 1]])


def put(ct, organ: SurfaceMesh, films, former=None, step=None, source=None, shift=(0, 0, -12), frame="", pose=None):
    source = source or OrganSource(a_model(organ))
    given = OrganInput(ct, source, organ, films, pose)
    step = step or SceneStep()
    nodes = put_organ_result(a_mesh_result(organ, shift), given, former or OrganNodes(), step, 0.5, frame)
    return nodes, step


def test_a_model_is_an_organ_in_ct_ras_wherever_it_and_the_ct_lie(ct) -> None:
    organ = a_ball()
    model = a_model(organ)
    np.testing.assert_allclose(OrganSource(model).in_ct(ct).points, organ.points)
    both = a_transform(a_pose())
    ct.SetAndObserveTransformNodeID(both.GetID())
    model.SetAndObserveTransformNodeID(both.GetID())
    np.testing.assert_array_equal(OrganSource(model).in_ct(ct).points, organ.points)
    model.SetAndObserveTransformNodeID(None)
    back = np.linalg.inv(a_pose())
    np.testing.assert_allclose(OrganSource(model).in_ct(ct).points, organ.points @ back[:3, :3].T + back[:3, 3])


def test_a_segment_gives_the_template_that_its_label_file_gives(ct) -> None:
    labels = np.zeros((40, 40, 40), np.float32)
    k, j, i = np.indices(labels.shape)
    labels[(k - 20) ** 2 + (j - 18) ** 2 + (i - 16) ** 2 < 12**2] = 5
    labels[2:5, 2:5, 2:5] = 3
    volume = Volume(labels, a_ct().ijk_to_ras, "label")
    node = a_segmentation(volume, {"Spleen": 3, "Liver": 5})
    segment = node.GetSegmentation().GetSegmentIdBySegmentName("Liver")
    organ = OrganSource(node, segment)
    found = organ.in_ct(ct)
    assert found.voxels.sum() == (labels == 5).sum()
    template = organ_template(found, vertices=300)
    np.testing.assert_allclose(template.points, organ_template(volume, 5, vertices=300).points, atol=1e-3)
    assert organ.look().name == "Liver"
    version = organ.version(ct)
    node.GetSegmentation().GetSegment(segment).SetColor(0.1, 0.2, 0.3)
    assert organ.version(ct) == version  # a colour is no other shape
    assert organ.look().color == (0.1, 0.2, 0.3)


def test_what_is_no_organ_is_told(ct) -> None:
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Nothing")
    with pytest.raises(InputError, match="no surface"):
        OrganSource(empty).in_ct(ct)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segments")
    with pytest.raises(InputError, match="Choose a segment"):
        OrganSource(segmentation, "gone").in_ct(ct)
    segmentation.GetSegmentation().AddEmptySegment("empty", "Empty")
    with pytest.raises(InputError, match=r"empty|no surface"):
        OrganSource(segmentation, "empty").in_ct(ct)


def test_the_result_looks_like_the_organ_with_the_planned_state_beside_it(ct) -> None:
    organ, pose = a_ball(), a_transform(a_pose())
    nodes, _step = put(ct, organ, [put_radiograph(a_film(), "PA")], pose=pose)
    display = nodes.now.GetDisplayNode()
    assert nodes.now.GetName() == "Liver now"
    assert display.GetColor() == (0.8, 0.4, 0.3)
    assert display.GetOpacity() == pytest.approx(0.7)
    assert nodes.planned.GetDisplayNode().GetRepresentation() == display.WireframeRepresentation
    assert nodes.planned.GetParentTransformNode() is pose
    assert not slicer.util.getNode("Liver").GetDisplayNode().GetVisibility3D()
    points = vtk_to_numpy(nodes.now.GetPolyData().GetPoints().GetData())
    np.testing.assert_allclose(points - organ.points, np.tile([0, 0, -12], (len(points), 1)), atol=1e-9)
    assert nodes.now.GetAttribute("XRay3D.Method") == "organ-mesh"
    assert "estimate" in nodes.now.GetAttribute("XRay3D.Statement")


def test_numbers_on_the_surface_can_be_shown_with_a_legend(ct) -> None:
    nodes, _step = put(ct, a_ball(), [])
    display = nodes.now.GetDisplayNode()
    show_organ_as(nodes.now, "deviation_mm", 6.0)
    assert display.GetScalarVisibility()
    assert display.GetActiveScalarName() == "deviation_mm"
    assert display.GetScalarRange() == (0.0, 6.0)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(display)
    assert legend.GetTitleText() == "Error bar (mm)"
    assert legend.GetVisibility()
    show_organ_as(nodes.now, "displacement_mm")
    assert legend.GetTitleText() == "Moved (mm)"
    show_organ_as(nodes.now, "organ")
    assert not display.GetScalarVisibility()
    assert not legend.GetVisibility()


def test_the_outline_is_where_the_surface_projects_to(ct) -> None:
    film = put_radiograph(a_film(), "PA")
    nodes, _step = put(ct, a_ball(), [film])
    lines = film.GetNodeReference(NOW_ROLE)
    assert lines.GetDisplayNode().GetColor() == nodes.now.GetDisplayNode().GetColor()
    geometry = a_film().geometry
    outline = geometry.project(vtk_to_numpy(lines.GetPolyData().GetPoints().GetData()))
    surface = geometry.project(vtk_to_numpy(nodes.now.GetPolyData().GetPoints().GetData()))
    np.testing.assert_allclose(outline.min(axis=0), surface.min(axis=0), atol=0.3)
    np.testing.assert_allclose(outline.max(axis=0), surface.max(axis=0), atol=0.3)


def test_volumes_are_in_a_table_one_row_per_organ_and_frame(ct) -> None:
    organ = a_ball()
    nodes, step = put(ct, organ, [], frame="1")
    source = OrganSource(slicer.util.getNode("Liver"))
    nodes, _step = put(ct, organ, [], nodes, step, source, frame="2")
    nodes, _step = put(ct, organ, [], nodes, step, source, frame="2")
    rows = rows_of(nodes.table)
    assert [(row["Organ"], row["Frame"]) for row in rows] == [("Liver", "1"), ("Liver", "2")]
    ball_ml = 4 / 3 * np.pi * 40**3 / 1000
    assert float(rows[0]["Planned (ml)"]) == pytest.approx(ball_ml, rel=0.02)  # chords cut off what bulges
    assert float(rows[0]["Difference (ml)"]) == pytest.approx(0, abs=0.01)
    assert float(rows[0]["Moved, mean (mm)"]) == pytest.approx(12)


def test_one_step_is_taken_back_whole(ct) -> None:
    film, organ = put_radiograph(a_film(), "PA"), a_ball()
    source = OrganSource(a_model(organ))
    before = slicer.mrmlScene.GetNumberOfNodes()
    first, first_step = put(ct, organ, [film], source=source)
    bounds = first.now.GetPolyData().GetBounds()
    _second, second_step = put(ct, organ, [film], first, source=source, shift=(30, 0, 0))
    assert first.now.GetPolyData().GetBounds() != bounds
    second_step.undo()
    assert first.now.GetPolyData().GetBounds() == bounds
    assert rows_of(first.table)[0]["Moved, mean (mm)"] == "12.00"
    first_step.undo()
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert outlines_of(film) == []
    assert source.node.GetDisplayNode().GetVisibility3D()


def test_a_step_that_fails_leaves_the_scene_as_it_was(ct) -> None:
    organ = a_ball()
    source = OrganSource(a_model(organ))
    not_a_film = put_volume(a_ct(), "CT 2")
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match="no X-ray geometry"):
        put(ct, organ, [not_a_film], source=source)
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_an_organ_plays_with_its_run_and_is_away_where_it_was_not_found(session, ct, tmp_path: Path) -> None:
    organ = a_ball()
    browser, film = put_film_run("Run", [a_film() for _ in range(3)])
    source, step, nodes = OrganSource(a_model(organ)), SceneStep(), OrganNodes()
    before = slicer.mrmlScene.GetNumberOfNodes()
    for frame in range(2):
        browser.SetSelectedItemNumber(frame)
        nodes, _step = put(ct, organ, [film], nodes, step, source, (0, 0, -10.0 * (frame + 1)), str(frame + 1))
        store_frame(browser, str(frame), nodes, [film], step)

    def lowest(node) -> float | None:
        return None if node.GetPolyData() is None else round(node.GetPolyData().GetBounds()[4], 1)

    def played(browser, node, film) -> list:
        found = []
        for frame in range(3):
            browser.SetSelectedItemNumber(frame)
            drawn = [bool(line.GetPolyData() and line.GetPolyData().GetNumberOfLines()) for line in outlines_of(film)]
            found.append((lowest(node), drawn))
        return found

    bottom = round(float(organ.points[:, 2].min()), 1)
    expected = [
        (pytest.approx(bottom - 10), [True, True]),
        (pytest.approx(bottom - 20), [True, True]),
        (None, [False] * 2),
    ]
    assert played(browser, nodes.now, film) == expected
    assert [m["moved_mean_mm"] for m in frame_measures(browser, nodes.now).values()] == [10.0, 20.0]
    session.save_scene(tmp_path / "run.mrb")
    step.undo()
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    assert len(list(slicer.util.getNodesByClass("vtkMRMLSequenceNode"))) == 1
    assert slicer.util.getNodesByClass("vtkMRMLModelNode")[-1].GetName() == "Liver"
    assert slicer.mrmlScene.GetNumberOfNodes() <= before + 3  # storage nodes that saving made of the input
    session.clear()
    session.load_scene(tmp_path / "run.mrb")
    now, film = slicer.util.getNode("Liver now"), slicer.util.getNode("Run")
    assert played(slicer.util.getNode("Run run"), now, film) == expected
    slicer.util.getNode("Run run").SetSelectedItemNumber(0)
    assert set(scalars_of(now)) == {"displacement_mm", "deviation_mm"}
    assert len(rows_of(slicer.util.getNode("Organ volumes"))) == 2


def test_undo_removes_a_node_before_what_belongs_to_it(session) -> None:
    """Slicer reports an error of a model in the scene whose display has gone."""
    import slicer
    import vtk

    step, gone = SceneStep(), []
    with step.recording():
        model = a_model(a_ball())

    def removed(_scene, _event, node) -> None:
        gone.append(node.GetClassName())

    removed.CallDataType = vtk.VTK_OBJECT
    observer = session.scene.AddObserver(slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, removed)
    step.undo()
    session.scene.RemoveObserver(observer)
    assert gone.index("vtkMRMLModelNode") < gone.index("vtkMRMLModelDisplayNode")
    assert model.GetScene() is None
