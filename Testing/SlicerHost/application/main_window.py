"""The main window: a module selector, a status bar, the panel of the selected module."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMainWindow, QScrollArea


class ModuleSelector(QObject):
    """``slicer.util.moduleSelector()``."""

    moduleSelected = Signal(str)

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window

    @property
    def selectedModule(self) -> str:
        return slicer.app.moduleManager().selected

    def selectModule(self, name: str) -> None:
        """Leave the present module and enter another."""
        if slicer.app.moduleManager().module(name) is None:
            raise RuntimeError(f"module '{name}' is not loaded")
        slicer.app.moduleManager().select(name)
        self._window.show_panel(name)
        self.moduleSelected.emit(name)


class MainWindow(QMainWindow):
    """Found by ``slicer.util.mainWindow()`` through its object name."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = ModuleSelector(self)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self.setCentralWidget(self._area)

    def moduleSelector(self) -> ModuleSelector:
        return self._selector

    def show_panel(self, name: str) -> None:
        """Put the panel of a module into the window; the one before is kept."""
        previous: Any = self._area.takeWidget()
        if previous is not None:
            previous.setParent(None)
        module = slicer.app.moduleManager().module(name)
        panel = module.widgetRepresentation() if hasattr(module, "widgetRepresentation") else None
        if panel is not None:
            self._area.setWidget(panel)
