"""The layout manager of the main window, on views that draw offscreen."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from XRayLib.scene.headless_layout import HeadlessLayoutManager


class LayoutManager(QObject):
    """``slicer.app.layoutManager()``: everything of HeadlessLayoutManager, and the signal ``layoutChanged``."""

    layoutChanged = Signal(int)

    def __init__(self, views: HeadlessLayoutManager) -> None:
        super().__init__()
        self._views = views

    def __getattr__(self, name: str) -> Any:
        return getattr(self._views, name)

    @property
    def layout(self) -> int:
        """Number of the layout that is shown."""
        return self._views.layout

    @layout.setter
    def layout(self, layout: int) -> None:
        self.setLayout(layout)

    @property
    def threeDViewCount(self) -> int:
        """Number of 3D views."""
        return self._views.threeDViewCount

    def setLayout(self, layout: int) -> None:
        before = self._views.layout
        self._views.setLayout(layout)
        if layout != before:
            self.layoutChanged.emit(layout)
