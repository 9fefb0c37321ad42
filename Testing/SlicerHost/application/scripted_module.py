"""A scripted module as the application holds it, and its panel."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QVBoxLayout

from ..qmrml_widgets.scene_widgets import qMRMLWidget

added_paths: list[str] = []
"""Folders of modules that loading put on ``sys.path``."""


def load_source(path: Path) -> ModuleType:
    """Execute a module's file as the module of its name, registered before it runs, as Slicer does."""
    name = path.stem
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
        added_paths.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class qSlicerScriptedLoadableModule:
    """The ``parent`` of a scripted module: what the module says about itself, its panel and its logic."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.name = path.stem
        self.title = path.stem
        self.categories: list[str] = []
        self.contributors: list[str] = []
        self.dependencies: list[str] = []
        self.helpText = ""
        self.acknowledgementText = ""
        self.associatedNodeTypes: list[str] = []
        self.icon = QIcon()
        self.hidden = False
        self.index = -1
        self.extensions: list[str] = []
        self._scene = slicer.mrmlScene
        self._widget: qSlicerScriptedLoadableModuleWidget | None = None
        self._logic = slicer.vtkSlicerScriptedLoadableModuleLogic()
        self.instance = self._create_instance(path)

    def _create_instance(self, path: Path) -> Any:
        source = sys.modules.get(self.name)
        if getattr(source, self.name, None) is None:
            source = load_source(path)
        class_ = getattr(source, self.name, None)
        if class_ is None:
            raise RuntimeError(f"class '{self.name}' was not found in file: {path}")
        return class_(self)

    def setup(self) -> None:
        """What Slicer calls once after the module was created."""
        if hasattr(self.instance, "setup"):
            self.instance.setup()

    def logic(self) -> Any:
        """The C++ logic, which is empty; a module's Python logic belongs to its widget."""
        return self._logic

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        if self._widget is not None:
            self._widget.setMRMLScene(scene)

    def widgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget | None:
        """The panel, built at the first call; None for a module without a widget class."""
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
            if self._widget is not None:
                setattr(slicer.modules, self.name + "Widget", self._widget.self())
        return self._widget

    def createNewWidgetRepresentation(self) -> qSlicerScriptedLoadableModuleWidget | None:
        """Another panel of the same module."""
        if not hasattr(sys.modules[self.name], self.name + "Widget"):
            return None
        widget = qSlicerScriptedLoadableModuleWidget(self)
        widget.build()
        return widget


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The C++ side of a panel: owns the layout, knows whether the user is in the module."""

    def __init__(self, module: qSlicerScriptedLoadableModule) -> None:
        super().__init__()
        self.setMRMLScene(slicer.mrmlScene)
        self.setLayout(QVBoxLayout())
        self.setObjectName(module.name + "ModuleWidget")
        self._module = module
        self._python: Any = None
        self._entered = False

    @property
    def isEntered(self) -> bool:
        """True between ``enter`` and ``exit``."""
        return self._entered

    def module(self) -> qSlicerScriptedLoadableModule:
        return self._module

    def self(self) -> Any:
        """The Python widget object."""
        return self._python

    def build(self) -> None:
        """Create the Python widget and let it set itself up."""
        class_ = getattr(sys.modules[self._module.name], self._module.name + "Widget")
        self._python = class_(self)
        self._python.setup()

    def reload(self) -> None:
        """Build anew from the present source."""
        self.build()
        setattr(slicer.modules, self._module.name + "Widget", self._python)

    def enter(self) -> None:
        """The user opens the module."""
        self._entered = True
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        """The user goes to another module."""
        self._entered = False
        if hasattr(self._python, "exit"):
            self._python.exit()

    def setEditedNode(self, node: Any, role: str = "", context: str = "") -> bool:
        edit = getattr(self._python, "setEditedNode", None)
        return bool(edit(node, role, context)) if edit else False
