"""A tiny module like Slicer's template, loaded, shown, bound, saved and closed as Slicer does it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

pytestmark = pytest.mark.slicer

MODULE = """
    import enum
    from pathlib import Path
    from typing import Annotated

    import slicer
    from slicer import vtkMRMLScalarVolumeNode
    from slicer.i18n import tr as _
    from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
    from slicer.ScriptedLoadableModule import *
    from slicer.util import VTKObservationMixin


    class Tiny(ScriptedLoadableModule):
        def __init__(self, parent):
            ScriptedLoadableModule.__init__(self, parent)
            self.parent.title = _("Tiny")
            self.parent.categories = ["Examples"]
            slicer.app.connect("startupCompleted()", lambda: registered.append(True))


    registered = []


    class Mode(enum.Enum):
        FAST = 1
        EXACT = 2


    @parameterNodeWrapper
    class TinyParameterNode:
        inputVolume: vtkMRMLScalarVolumeNode
        threshold: Annotated[float, WithinRange(-100, 100)] = 10
        invert: bool = False
        mode: Mode = Mode.EXACT
        folder: Path


    class TinyWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
        def __init__(self, parent=None):
            ScriptedLoadableModuleWidget.__init__(self, parent)
            VTKObservationMixin.__init__(self)
            self.calls = []
            self.parameterNode = None

        def setup(self):
            ScriptedLoadableModuleWidget.setup(self)
            uiWidget = slicer.util.loadUI(self.resourcePath("UI/Tiny.ui"))
            self.layout.addWidget(uiWidget)
            self.ui = slicer.util.childWidgetVariables(uiWidget)
            uiWidget.setMRMLScene(slicer.mrmlScene)
            self.logic = TinyLogic()
            self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onStartClose)
            self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onEndClose)
            self.ui.applyButton.connect("clicked(bool)", self.onApply)
            self.initialize()

        def enter(self):
            self.calls.append("enter")
            self.initialize()

        def exit(self):
            self.calls.append("exit")
            self.bind(None)

        def cleanup(self):
            self.calls.append("cleanup")
            self.bind(None)
            self.removeObservers()

        def onStartClose(self, caller, event):
            self.bind(None)

        def onEndClose(self, caller, event):
            if self.parent.isEntered:
                self.initialize()

        def initialize(self):
            self.bind(self.logic.getParameterNode())

        def bind(self, node):
            if self.parameterNode:
                self.parameterNode.disconnectGui(self.tag)
            self.parameterNode = node
            if node:
                self.tag = node.connectGui(self.ui)

        def onApply(self):
            raise RuntimeError("apply failed")


    class TinyLogic(ScriptedLoadableModuleLogic):
        def getParameterNode(self):
            return TinyParameterNode(super().getParameterNode())


    class TinyTest(ScriptedLoadableModuleTest):
        def test_logic(self):
            slicer.mrmlScene.Clear()
            self.assertEqual(TinyLogic().getParameterNode().threshold, 10)
"""


def widget(class_name: str, name: str, parameter: str = "", properties: str = "") -> str:
    if parameter:
        properties += (
            f'<property name="SlicerParameterName" stdset="0"><string notr="true">{parameter}</string></property>'
        )
    return f'<item><widget class="{class_name}" name="{name}">{properties}</widget></item>'


NODE_TYPES = (
    '<property name="nodeTypes"><stringlist notr="true">'
    "<string>vtkMRMLScalarVolumeNode</string></stringlist></property>"
)
UI = f"""<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>Tiny</class>
<widget class="qMRMLWidget" name="Tiny"><layout class="QVBoxLayout" name="box">
{widget("qMRMLNodeComboBox", "inputSelector", "inputVolume", NODE_TYPES + '<property name="noneEnabled"><bool>true</bool></property>')}
{widget("ctkSliderWidget", "thresholdSlider", "threshold")}
{widget("QCheckBox", "invertCheckBox", "invert")}
{widget("QComboBox", "modeComboBox", "mode")}
{widget("ctkPathLineEdit", "folderEdit", "folder", '<property name="filters"><set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Drives</set></property>')}
{widget("QPushButton", "applyButton", properties='<property name="text"><string>Apply</string></property>')}
</layout></widget>
<connections>
<connection><sender>Tiny</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal><receiver>inputSelector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection>
<connection><sender>invertCheckBox</sender><signal>toggled(bool)</signal><receiver>folderEdit</receiver><slot>setDisabled(bool)</slot></connection>
</connections></ui>"""  # noqa: E501


@pytest.fixture
def tiny(slicer_host, tmp_path: Path):
    """The loaded module's host, and the path of its file."""
    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "Resources" / "UI" / "Tiny.ui").write_text(UI)
    path = tmp_path / "Tiny.py"
    path.write_text(dedent(MODULE))
    slicer_host.load_module(path)
    return slicer_host


def test_a_loaded_module_is_in_the_namespaces(tiny) -> None:
    import slicer

    assert slicer.modules.tiny.title == "Tiny"
    if tiny.is_stand_in:  # Slicer names those that it loads at startup
        assert slicer.moduleNames.Tiny == "Tiny"
    assert slicer.modules.TinyInstance.parent is slicer.modules.tiny
    assert slicer.selfTests["Tiny"]
    with pytest.raises(AttributeError):
        _ = slicer.modules.nothing


@pytest.mark.usefixtures("stand_in")
def test_startup_is_announced_once_loaded(tiny) -> None:
    import Tiny

    assert not Tiny.registered
    tiny.finish_startup()
    assert Tiny.registered == [True]


def test_entering_and_leaving_call_the_widget(tiny) -> None:
    panel = tiny.open_module("Tiny")
    assert panel.parent.isEntered
    tiny.leave_module()
    assert panel.calls == ["enter", "exit"]
    assert not panel.parent.isEntered


@pytest.mark.usefixtures("stand_in")
def test_unloading_cleans_up(tiny) -> None:
    import slicer

    panel = tiny.open_module("Tiny")
    tiny.application.moduleManager().unload("Tiny")
    assert panel.calls == ["enter", "exit", "cleanup"]
    assert not hasattr(slicer.modules, "tiny")


def test_the_panel_follows_the_parameter_node(tiny) -> None:
    import slicer

    panel = tiny.open_module("Tiny")
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    panel.parameterNode.threshold = 33
    panel.parameterNode.invert = True
    panel.parameterNode.inputVolume = volume
    panel.parameterNode.folder = Path("some/where")
    assert panel.ui.thresholdSlider.value == 33
    assert panel.ui.invertCheckBox.checked
    assert panel.ui.inputSelector.currentNode() is volume
    assert panel.ui.folderEdit.currentPath == str(Path("some/where"))
    assert not panel.ui.folderEdit.enabled  # the connection in the .ui file


def test_the_parameter_node_follows_the_panel(tiny) -> None:
    panel = tiny.open_module("Tiny")
    panel.ui.thresholdSlider.value = -7.5
    panel.ui.invertCheckBox.click()
    panel.ui.modeComboBox.setCurrentIndex(0)
    node = panel.parameterNode
    assert (node.threshold, node.invert, node.mode.name) == (-7.5, True, "FAST")
    assert node.parameterNode.GetParameter("mode") == "FAST"


def test_closing_the_scene_gives_defaults_again(tiny) -> None:
    import slicer

    panel = tiny.open_module("Tiny")
    panel.ui.thresholdSlider.value = 50
    slicer.mrmlScene.Clear()
    assert panel.parameterNode.threshold == 10
    assert panel.ui.thresholdSlider.value == 10


def test_a_saved_scene_restores_parameters_references_and_voxels(tiny, tmp_path: Path) -> None:
    import slicer

    panel = tiny.open_module("Tiny")
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    panel.parameterNode.inputVolume = slicer.util.addVolumeFromArray(voxels, name="CT")
    panel.ui.thresholdSlider.value = 12.25
    tiny.leave_module()
    assert slicer.util.saveScene(str(tmp_path / "case.mrb"))
    slicer.mrmlScene.Clear()
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    panel = tiny.open_module("Tiny")
    assert panel.parameterNode.threshold == 12.25
    assert panel.parameterNode.inputVolume.GetName() == "CT"
    assert np.array_equal(slicer.util.arrayFromVolume(panel.parameterNode.inputVolume), voxels)


def test_a_deleted_node_leaves_the_parameter_and_the_selector(tiny) -> None:
    import slicer

    panel = tiny.open_module("Tiny")
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    panel.ui.inputSelector.setCurrentNode(volume)
    assert panel.parameterNode.inputVolume is volume
    slicer.mrmlScene.RemoveNode(volume)
    assert panel.parameterNode.inputVolume is None
    assert panel.ui.inputSelector.currentNode() is None


def test_an_error_in_a_slot_does_not_reach_the_click_but_is_recorded(tiny) -> None:
    panel = tiny.open_module("Tiny")
    panel.ui.applyButton.click()
    (text,) = tiny.errors.take()
    assert "apply failed" in text


@pytest.mark.usefixtures("tiny")
def test_the_modules_own_test_runs(tmp_path: Path) -> None:
    import slicer.testing

    slicer.testing.runUnitTest([str(tmp_path)], "Tiny")
    slicer.selfTests["Tiny"]()


@pytest.mark.usefixtures("stand_in")
def test_reload_builds_the_panel_from_the_new_source(tiny, tmp_path: Path) -> None:
    import slicer

    panel = tiny.open_module("Tiny")
    source = (tmp_path / "Tiny.py").read_text()
    (tmp_path / "Tiny.py").write_text(source.replace("class TinyLogic(", "NEW = True\n\n\nclass TinyLogic("))
    slicer.util.reloadScriptedModule("Tiny")
    assert slicer.modules.TinyWidget is not panel
    assert __import__("Tiny").NEW


def test_the_panel_can_be_seen(tiny) -> None:
    picture = tiny.panel_image(tiny.open_module("Tiny"), (300, 260))
    assert picture.shape == (260, 300, 3)
    assert picture.std() > 5


@pytest.mark.usefixtures("stand_in")
def test_selecting_a_module_needs_a_main_window(tiny) -> None:
    import slicer

    assert slicer.app.layoutManager() is None
    assert slicer.util.mainWindow() is None
    tiny.show_main_window()
    slicer.util.selectModule("Tiny")
    assert slicer.util.selectedModule() == "Tiny"
    assert slicer.modules.TinyWidget.parent.isEntered
