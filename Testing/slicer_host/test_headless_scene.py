"""Slicer's scene and views without a window: logics are there, pictures show the scene, scenes survive a file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.scene.headless import HeadlessSlicer

pytestmark = pytest.mark.slicer

SIZE = (160, 120)
MIDDLE = (slice(50, 70), slice(70, 90))
CORNER = (slice(0, 12), slice(0, 12))


def ball(center_kji=(15, 15, 15), value: int = 900) -> np.ndarray:
    grid = np.indices((30, 30, 30))
    distance = np.sqrt(sum((axis - c) ** 2 for axis, c in zip(grid, center_kji, strict=True)))
    return np.where(distance < 6, value, -1000).astype(np.int16)


def ct(session, voxels: np.ndarray, name: str = "CT"):
    matrix = np.diag([4.0, 4.0, 4.0, 1.0])
    matrix[:3, 3] = -60.0
    node = session.slicer.util.addVolumeFromArray(voxels, matrix, name)
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(-1000, 900)
    return node


def show(session, node, tag: str = "Red"):
    logic = session.slice_view(tag).logic
    logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
    logic.FitSliceToAll()
    return logic


@pytest.mark.parametrize(
    "module",
    [
        *("Volumes", "VolumeRendering", "Models", "Transforms", "Markups", "Segmentations", "Sequences", "Colors"),
        *("SubjectHierarchy", "Terminologies", "Units", "CropVolume", "Cameras"),
    ],
)
def test_modules_have_their_logic(session, module: str) -> None:
    logic = getattr(session.slicer.modules, module.lower()).logic()
    assert logic is session.logic(module)
    assert logic.GetMRMLScene() is session.scene


def test_default_nodes_are_there(session) -> None:
    names = {node.GetClassName() for node in session.slicer.util.getNodesByClass("vtkMRMLNode")}
    expected = (
        "Selection",
        "Interaction",
        "Crosshair",
        "Layout",
        "Unit",
        "Slice",
        "View",
        "Camera",
        "SubjectHierarchy",
    )
    assert {f"vtkMRML{name}Node" for name in expected} <= names
    assert session.scene.GetNodeByID("vtkMRMLColorTableNodeGrey")


def test_a_slice_view_shows_the_volume(session) -> None:
    node = ct(session, ball())
    logic = show(session, node)
    picture = session.render_view("Red", SIZE)
    assert picture.shape == (120, 160, 3)
    assert picture[MIDDLE].mean() > 250
    assert picture[CORNER].mean() < 5
    logic.SetSliceOffset(55.0)
    assert session.render_view("Red")[MIDDLE].mean() < 5


def test_a_slice_view_has_the_patients_right_on_the_left(session) -> None:
    # Small i is small R: the patient's left, which an axial view shows on the right.
    node = ct(session, ball((15, 15, 6)))
    show(session, node)
    columns = session.render_view("Red", SIZE)[:, :, 0].mean(axis=0)
    assert columns[80:].sum() > 10 * columns[:80].sum()


def test_volume_rendering_shows_the_dense_part_before_the_background(session) -> None:
    from XRayLib.scene.volume_nodes import show_volume_rendering

    node = ct(session, ball())
    view = session.three_d_view()
    view.node.SetBoxVisible(False)
    view.node.SetAxisLabelsVisible(False)
    empty = session.render_view("threeD", SIZE).astype(int)
    show_volume_rendering(node, session.logic("VolumeRendering"))
    view.frame()
    picture = session.render_view("threeD", SIZE).astype(int)
    changed = np.abs(picture - empty).max(axis=2) > 30
    assert changed[MIDDLE].all()
    assert not changed[CORNER].any()
    assert picture[MIDDLE].mean(axis=(0, 1))[0] > picture[MIDDLE].mean(axis=(0, 1))[2]  # bone, not sky


@pytest.mark.parametrize(("direction", "side"), [("anterior", "right"), ("posterior", "left")])
def test_a_view_from_the_front_has_the_patients_left_on_the_right(session, direction: str, side: str) -> None:
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    for x, radius in ((-60.0, 18.0), (60.0, 2.0)):  # a large ball at the patient's left, a small one at the right
        source = vtkSphereSource()
        source.SetCenter(x, 0, 0)
        source.SetRadius(radius)
        source.Update()
        session.slicer.modules.models.logic().AddModel(source.GetOutput())
    view = session.three_d_view()
    view.node.SetBoxVisible(False)
    view.node.SetAxisLabelsVisible(False)
    view.frame(direction)
    picture = session.render_view("threeD", SIZE).astype(int)
    grey = np.abs(picture[:, :, 0] - picture[:, :, 2]) < 12
    halves = {"left": grey[:, :80].sum(), "right": grey[:, 80:].sum()}
    assert halves[side] > 5 * halves["left" if side == "right" else "right"]


def test_segmentations_and_markups_are_drawn_in_slices(session) -> None:
    node = ct(session, ball())
    show(session, node)
    plain = session.render_view("Red", SIZE).astype(int)
    point = session.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    point.CreateDefaultDisplayNodes()
    point.AddControlPoint(0, 0, 0)
    assert np.abs(session.render_view("Red", SIZE).astype(int) - plain).max() > 60


def test_a_layout_of_ones_own_makes_its_views(session) -> None:
    xml = (
        '<layout type="horizontal"><item><view class="vtkMRMLSliceNode" singletontag="Mine">'
        '<property name="orientation" action="default">Coronal</property>'
        '<property name="viewlabel" action="default">M</property></view></item>'
        '<item><view class="vtkMRMLViewNode" singletontag="1"/></item></layout>'
    )
    manager = session.layout_manager
    layout_node = manager.layoutLogic().GetLayoutNode()
    if not layout_node.IsLayoutDescription(777):
        layout_node.AddLayoutDescription(777, xml)
    manager.setLayout(777)
    assert [view.tag for view in manager.shown_views()] == ["Mine", "1"]
    assert manager.sliceWidget("Mine").mrmlSliceNode().GetOrientation() == "Coronal"
    assert manager.sliceWidget("Nobody") is None
    node = ct(session, ball())
    show(session, node, "Mine")
    assert session.render_view("Mine", SIZE)[MIDDLE].mean() > 250


def test_the_subject_hierarchy_follows_the_scene(session) -> None:
    tree = session.scene.GetSubjectHierarchyNode()
    node = ct(session, ball())
    item = tree.GetItemByDataNode(node)
    assert tree.GetItemName(item) == "CT"
    session.scene.RemoveNode(node)
    assert not tree.GetItemByDataNode(node)


def test_a_scene_bundle_holds_the_scene_and_its_data(session, tmp_path: Path) -> None:
    voxels = ball((10, 15, 20))
    node = ct(session, voxels)
    node.SetAttribute("XRay3D.Method", "x2ct-cnn")
    folder = session.scene.GetSubjectHierarchyNode().CreateFolderItem(
        session.scene.GetSubjectHierarchyNode().GetSceneItemID(), "case"
    )
    tree = session.scene.GetSubjectHierarchyNode()
    tree.SetItemParent(tree.GetItemByDataNode(node), folder)
    path = session.save_scene(tmp_path / "deep" / "case.mrb")
    names = zipfile.ZipFile(path).namelist()
    assert "case/case.mrml" in names
    assert "case/Data/CT.nrrd" in names
    assert 'version="Slicer ' in zipfile.ZipFile(path).read("case/case.mrml").decode()
    session.clear()
    assert not session.slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    session.load_scene(path)
    loaded = session.slicer.util.getNode("CT")
    assert np.array_equal(session.slicer.util.arrayFromVolume(loaded), voxels)
    assert loaded.GetSpacing() == (4.0, 4.0, 4.0)
    assert loaded.GetAttribute("XRay3D.Method") == "x2ct-cnn"
    tree = session.scene.GetSubjectHierarchyNode()
    assert tree.GetItemName(tree.GetItemParent(tree.GetItemByDataNode(loaded))) == "case"


def test_bad_scene_paths_are_told_in_words(session, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mrb"):
        session.save_scene(tmp_path / "case.zip")
    with pytest.raises(InputError, match="no scene file"):
        session.load_scene(tmp_path / "absent.mrb")


def test_pictures_need_no_display(session) -> None:
    window = session.slice_view("Red").window
    assert window.GetOffScreenRendering()
    assert session.render_view("Red", (37, 23)).shape == (23, 37, 3)


def test_without_opengl_the_scene_works_and_pictures_say_what_to_install(session, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda _name: None)
    ct(session, ball())
    assert session.save_scene(tmp_path / "case.mrb").is_file()
    with pytest.raises(MissingDependencyError, match="libegl1"):
        session.render_view("Red")


def test_a_running_slicer_keeps_its_scene(session, monkeypatch) -> None:
    monkeypatch.setattr(session.slicer, "app", type("qSlicerApplication", (), {})())
    with pytest.raises(RuntimeError, match="Slicer is running"):
        HeadlessSlicer()


def test_temporary_files_go_with_the_session() -> None:
    with HeadlessSlicer() as short:
        folder = Path(short.scene.GetCacheManager().GetRemoteCacheDirectory())
        assert folder.is_dir()
    assert not folder.exists()
