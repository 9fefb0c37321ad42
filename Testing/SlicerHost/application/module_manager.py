"""Which modules are loaded, and which one the user is in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal

from .scripted_module import added_paths, qSlicerScriptedLoadableModule


class ModuleManager(QObject):
    """``slicer.app.moduleManager()``."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._scripted: dict[str, qSlicerScriptedLoadableModule] = {}
        self._selected = ""

    def module(self, name: str) -> Any:
        """A module by its name, None when it is not loaded."""
        return getattr(slicer.modules, name.lower(), None)

    def modulesNames(self) -> list[str]:
        return [name for name in vars(slicer.moduleNames) if not name.startswith("_")]

    def isLoaded(self, name: str) -> bool:
        return self.module(name) is not None

    def load_scripted(self, path: Path) -> qSlicerScriptedLoadableModule:
        """Load one scripted module from its file and publish it as Slicer does."""
        module = qSlicerScriptedLoadableModule(path)
        self._scripted[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.modules, module.name + "Instance", module.instance)
        setattr(slicer.moduleNames, module.name, module.name)
        module.setup()
        self.moduleLoaded.emit(module.name)
        return module

    def unload(self, name: str) -> None:
        """Leave the module, let it clean up and take it out of the namespaces."""
        if self._selected == name:
            self.select("")
        self.moduleAboutToBeUnloaded.emit(name)
        module = self._scripted.pop(name)
        for attribute in (name.lower(), name + "Instance", name + "Widget"):
            if hasattr(slicer.modules, attribute):
                delattr(slicer.modules, attribute)
        delattr(slicer.moduleNames, name)
        getattr(slicer, "selfTests", {}).pop(name, None)
        if module._widget is not None:
            module._widget.deleteLater()

    def unload_all(self) -> None:
        """Unload every scripted module and forget its source, so that the next load reads the file."""
        for name in list(self._scripted):
            self.unload(name)
            sys.modules.pop(name, None)
        while added_paths:
            sys.path.remove(added_paths.pop())

    @property
    def selected(self) -> str:
        """Name of the module the user is in."""
        return self._selected

    def select(self, name: str) -> None:
        """Leave the present module and enter another; an empty name enters none."""
        if name == self._selected:
            return
        if self._selected in self._scripted:
            panel = self._scripted[self._selected].widgetRepresentation()
            if panel is not None:
                panel.exit()
        self._selected = name
        if name in self._scripted:
            panel = self._scripted[name].widgetRepresentation()
            if panel is not None:
                panel.enter()
