"""``slicer.app`` and what modules reach through it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slicer


@pytest.mark.usefixtures("stand_in")
def test_testing_mode_shows_no_message_boxes(slicer_host) -> None:
    import qt
    import slicer

    assert slicer.app.testingEnabled()
    slicer.util.errorDisplay("It failed.")
    slicer.util.delayDisplay("A moment.", 1000)
    assert slicer.util.messageBox("Hello") == qt.QMessageBox.Ok
    with pytest.raises(RuntimeError, match="inside"), slicer.util.tryWithErrorDisplay("outer", waitCursor=True):
        raise RuntimeError("inside")
    slicer_host.process_events()


def test_settings_are_remembered_within_a_test(stand_in) -> None:
    import qt
    import slicer

    assert slicer.util.settingsValue("XRay3D/Device", "auto") == "auto"
    qt.QSettings().setValue("XRay3D/Device", "cpu")
    assert slicer.app.userSettings().value("XRay3D/Device") == "cpu"
    stand_in.reset()
    assert slicer.util.settingsValue("XRay3D/Device", "auto") == "auto"


@pytest.mark.usefixtures("slicer_host")
def test_no_main_window_means_no_layout_manager() -> None:
    import slicer

    assert slicer.app.layoutManager() is None
    assert slicer.util.mainWindow() is None
    assert slicer.app.commandOptions().noMainWindow
    with pytest.raises(RuntimeError):
        slicer.util.selectModule("Volumes")


def test_the_main_window_has_layouts_and_views(slicer_main_window) -> None:
    import slicer

    manager, seen = slicer.app.layoutManager(), []
    manager.connect("layoutChanged(int)", seen.append)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUp3DView)
    assert seen == [slicer.vtkMRMLLayoutNode.SlicerLayoutOneUp3DView]
    assert manager.threeDWidget(0).threeDView().mrmlViewNode().GetClassName() == "vtkMRMLViewNode"
    assert manager.sliceWidget("Red").sliceLogic().GetSliceNode().GetName() == "Red"
    volume = slicer.util.addVolumeFromArray(np.full((9, 9, 9), 100.0))
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 100)
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    picture = slicer_main_window.render_view("Red", (80, 60))
    assert picture[30, 40].min() == 255


def test_a_view_that_a_test_left_at_another_size_has_its_own_again(stand_in) -> None:
    logic = stand_in.session.slice_view("Red").logic
    first = logic.GetSliceNode().GetDimensions()
    logic.ResizeSliceNode(200, 400)
    stand_in.reset()
    assert logic.GetSliceNode().GetDimensions() == first == (*stand_in.session.slice_view("Red").size_px, 1)


def test_the_film_layout_of_the_extension(slicer_main_window) -> None:
    import slicer
    from XRayLib.scene.layout import LAYOUT_IDS, restore_layout, switch_to_film_layout

    before = slicer.app.layoutManager().layout
    assert switch_to_film_layout(2) == before
    assert slicer.app.layoutManager().layout == LAYOUT_IDS[2]
    assert {"XRay1", "XRay2"} <= set(slicer.app.layoutManager().sliceViewNames())
    restore_layout(before)
    assert slicer.app.layoutManager().layout == before
    slicer_main_window.process_events()


def test_the_film_layout_hides_the_box_of_the_3d_view_until_the_users_layout_is_back(slicer_main_window) -> None:
    import slicer
    from XRayLib.scene.layout import restore_layout, switch_to_film_layout

    before = slicer.app.layoutManager().layout
    view = slicer.app.layoutManager().threeDWidget(0).mrmlViewNode()
    view.SetBoxVisible(True)
    view.SetAxisLabelsVisible(False)
    for films in (1, 2):
        switch_to_film_layout(films)
        assert not view.GetBoxVisible()
        assert view.GetOrientationMarkerType() == view.OrientationMarkerTypeHuman
    restore_layout(before)
    assert view.GetBoxVisible()
    assert not view.GetAxisLabelsVisible()
    assert view.GetOrientationMarkerType() == view.OrientationMarkerTypeNone
    restore_layout(before)
    assert view.GetBoxVisible()
    slicer_main_window.process_events()


@pytest.mark.usefixtures("slicer_host")
@pytest.mark.parametrize("name", ["ct.nrrd", "ct.nii.gz", "ct.mha"])
def test_volumes_are_saved_and_loaded(tmp_path: Path, name: str) -> None:
    import slicer

    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    volume = slicer.util.addVolumeFromArray(voxels, np.diag([2.0, 3.0, 4.0, 1.0]))
    assert slicer.util.saveNode(volume, str(tmp_path / name))
    loaded = slicer.util.loadVolume(str(tmp_path / name))
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), voxels)
    assert np.allclose(loaded.GetSpacing(), (2, 3, 4))


@pytest.mark.usefixtures("slicer_host")
def test_transforms_and_models_are_saved_and_loaded(tmp_path: Path) -> None:
    import slicer
    from vtkmodules.vtkFiltersSources import vtkSphereSource

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "pose")
    matrix = slicer.util.vtkMatrixFromArray(np.array([[1, 0, 0, 5], [0, 1, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1.0]]))
    transform.SetMatrixTransformToParent(matrix)
    slicer.util.saveNode(transform, str(tmp_path / "pose.h5"))
    loaded = slicer.util.loadTransform(str(tmp_path / "pose.h5"))
    assert slicer.util.arrayFromTransformMatrix(loaded)[:3, 3].tolist() == [5, 6, 7]
    sphere = vtkSphereSource()
    sphere.Update()
    model = slicer.modules.models.logic().AddModel(sphere.GetOutput())
    slicer.util.saveNode(model, str(tmp_path / "liver.vtp"))
    again = slicer.util.loadModel(str(tmp_path / "liver.vtp"))
    assert again.GetPolyData().GetNumberOfPoints() == sphere.GetOutput().GetNumberOfPoints()


@pytest.mark.usefixtures("slicer_host")
def test_a_file_that_cannot_be_read_is_an_error(slicer_host, tmp_path: Path) -> None:
    import slicer

    (tmp_path / "broken.nrrd").write_text("no volume")
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "broken.nrrd"))
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "absent.nrrd"))
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    slicer_host.take_logged_errors()


@pytest.mark.usefixtures("slicer_host")
def test_a_file_without_the_modules_class_is_no_module(slicer_host, tmp_path: Path) -> None:
    import slicer

    (tmp_path / "Stray.py").write_text("x = 1\n")
    with pytest.raises(RuntimeError, match="Stray"):
        slicer_host.load_module(tmp_path / "Stray.py")
    slicer_host.errors.take()  # Slicer reports it, too
    slicer_host.take_logged_errors()
    assert not hasattr(slicer.modules, "stray")


@pytest.mark.usefixtures("stand_in")
def test_packages_are_looked_up_and_requests_recorded(tmp_path: Path) -> None:
    import slicer.packaging as packaging

    path = tmp_path / "requirements.txt"
    path.write_text("# run time\nnumpy>=1\n--no-deps\nabsent-package-xyz>=2 ; python_version > '3'\n")
    numpy_requirement, absent = packaging.load_requirements(path)
    assert packaging.pip_check(numpy_requirement)
    assert not packaging.pip_check([numpy_requirement, absent])
    packaging.pip_ensure([absent], requester="X2CTRecon")
    assert packaging.requests.ensured[-1][1] == "X2CTRecon"
    assert packaging.requests.installed == []
    packaging.requests.answer = False
    with pytest.raises(RuntimeError, match="declined"):
        packaging.pip_ensure([absent], skip_in_testing=False)


@pytest.mark.usefixtures("stand_in")
def test_sample_data_is_registered_and_downloaded() -> None:
    import SampleData
    import slicer

    with pytest.raises(AttributeError):
        _ = slicer.modules.sampleDataSources
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Tests", sampleName="One", uris=[], fileNames=[], customDownloader=lambda source: source.sampleName * 2
    )
    assert SampleData.SampleDataLogic().downloadSample("One") == "OneOne"
    with pytest.raises(TypeError):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(sampleNam="typo")
    with pytest.raises(TypeError, match="uris"):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(sampleName="Without files", customDownloader=print)


@pytest.mark.usefixtures("stand_in")
def test_translation_knows_its_context() -> None:
    from slicer.i18n import getContext, tr

    assert tr("Idle") == "Idle"
    assert getContext(__file__) == "test_application"


def test_the_node_selector(slicer_host) -> None:
    import slicer

    box, seen = slicer.qMRMLNodeComboBox(), []
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.showChildNodeTypes = False
    box.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    box.setMRMLScene(slicer.mrmlScene)
    first, second = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in "AB")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "L")
    assert box.nodeCount() == 2 and box.currentNode() is None
    box.setCurrentNode(first)
    slicer.mrmlScene.RemoveNode(first)
    assert box.currentNode() is second
    assert [node for node in seen if node is not None] == [first, second]
    box.addAttribute("vtkMRMLScalarVolumeNode", "Kind", "film")
    assert box.nodeCount() == 0 and box.currentNode() is None
    made = box.addNode()
    assert made.GetAttribute("Kind") == "film" and box.currentNode() is made
    slicer_host.process_events()


def test_the_node_selector_goes_on_to_what_takes_a_node_s_place(slicer_host) -> None:
    """Also where None is allowed; a hidden node is left out."""
    import slicer

    box = slicer.qMRMLNodeComboBox()
    box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    box.noneEnabled = True
    box.setMRMLScene(slicer.mrmlScene)
    a, b, c, d = (slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in "ABCD")
    box.setCurrentNode(b)
    box.sortFilterProxyModel().hiddenNodeIDs = [d.GetID()]
    assert box.nodeCount() == 3 and box.currentNode() is b
    slicer.mrmlScene.RemoveNode(b)
    assert box.currentNode() is c
    slicer.mrmlScene.RemoveNode(c)
    assert box.currentNode() is a
    slicer.mrmlScene.RemoveNode(a)
    assert box.currentNode() is None
    box.sortFilterProxyModel().hiddenNodeIDs = []
    assert box.nodeCount() == 1 and box.currentNode() is None
    slicer_host.process_events()


@pytest.mark.usefixtures("stand_in")
def test_the_subject_hierarchy_tree() -> None:
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    tree = slicer.qMRMLSubjectHierarchyTreeView()
    tree.setMRMLScene(slicer.mrmlScene)
    assert tree.displayedItemCount() == 1
    tree.setCurrentNode(volume)
    assert tree.currentNode() is volume


@pytest.mark.usefixtures("stand_in")
def test_transform_sliders_move_a_transform() -> None:
    import ctk
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    sliders = slicer.qMRMLTransformSliders()
    sliders.setMRMLTransformNode(node)
    slider = sliders.findChild(ctk.ctkSliderWidget, "PASlider")
    slider.value = 12
    assert node.GetMatrixTransformToParent().GetElement(1, 3) == 12
