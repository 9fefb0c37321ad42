"""The life cycle of a module's widget: setup, enter, exit, scene close and import, reload."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import qt
import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

IDLE_MS = 200
"""How often it is looked whether a job still runs that the user has left."""


class PanelModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Base of the modules' widgets. Subclasses say their logic and panel; all else is the panel's business."""

    packageName: str
    """The module's own package, forgotten on Reload."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: Any = None
        self.panel: Any = None
        self._left = qt.QTimer()
        self._left.setInterval(IDLE_MS)
        self._left.connect("timeout()", self._restWhenIdle)

    def createLogic(self) -> Any:
        """The module's logic."""
        raise NotImplementedError

    def createPanel(self, ui: Any) -> Any:
        """The module's CasePanel on the loaded .ui file."""
        raise NotImplementedError

    def setup(self) -> None:
        """Build the panel when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = self.createLogic()
        self.panel = self.createPanel(self.ui)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneChanged)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """The application closes."""
        self._left.stop()
        self.setParameterNode(None)
        self.removeObservers()
        if self.panel:
            self.panel.close()

    def enter(self) -> None:
        """The user opens the module."""
        self._left.stop()
        self.initializeParameterNode()
        if self.panel:
            self.panel.enter()

    def exit(self) -> None:
        """The user goes to another module: stop reacting, but not before what runs has come into the scene."""
        if self.panel:
            self.panel.leave()
            self._left.start()
            self._restWhenIdle()

    def _restWhenIdle(self) -> None:
        if not self.panel.client.busy:
            self._left.stop()
            self.setParameterNode(None)

    def onSceneStartClose(self, _caller: Any, _event: str) -> None:
        """The parameter node is about to be wiped."""
        self.setParameterNode(None)
        self.panel.forgetScene()

    def onSceneChanged(self, _caller: Any, _event: str) -> None:
        """A scene was closed or loaded: show its case when the module is on screen."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Use the scene's parameter node."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode: Any) -> None:
        """Show and observe a parameter node, or none."""
        if not self.panel:
            return
        if self.panel.parameterNode:
            self.removeObserver(self.panel.parameterNode, vtk.vtkCommand.ModifiedEvent, self.panel.refresh)
        self.panel.setParameterNode(parameterNode)
        if parameterNode:
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.panel.refresh)

    def onReload(self) -> None:
        """Developer's Reload: also forget the module's package, which the base class does not."""
        for name in [name for name in sys.modules if name.partition(".")[0] == self.packageName]:
            del sys.modules[name]
        importlib.invalidate_caches()
        ScriptedLoadableModuleWidget.onReload(self)
