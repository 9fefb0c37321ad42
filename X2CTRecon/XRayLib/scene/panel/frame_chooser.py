"""The slider and the table that choose a frame of a run, whatever a frame shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import vtk
from slicer.i18n import tr as _

from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.node_observers import NodeObservers


class FrameChooser(ABC):
    """Drives frameSlider and frameTable; ``on_shown()`` after another frame is shown, here or in Slicer's tool bar."""

    def __init__(self, ui: Any, all_films: Callable[[], list[Any]], on_shown: Callable[[], None]) -> None:
        self.ui = ui
        self._all_films = all_films
        self._on_shown = on_shown
        self._node: Any = None
        self._updating = False
        self._shown: int | None = None
        self._observers = NodeObservers((vtk.vtkCommand.ModifiedEvent,), self._browser_changed)
        ui.frameSlider.connect("valueChanged(double)", lambda value: self.show(round(value) - 1))
        ui.frameTable.connect("itemSelectionChanged()", self._row_selected)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node
        self._shown = None
        self._observers.observe([] if parameter_node is None else [parameter_node.sequenceBrowser])

    @property
    @abstractmethod
    def browser(self) -> Any:
        """The browser whose changes matter; None without one."""

    @abstractmethod
    def values(self) -> list[str]:
        """The index values of the frames in order of time."""

    @property
    @abstractmethod
    def index(self) -> int:
        """The frame that is shown, from 0."""

    @property
    def value(self) -> str:
        """Index value of the shown frame."""
        return self.values()[self.index]

    @abstractmethod
    def _choose(self, index: int, value: str) -> None:
        """Make a frame the shown one."""

    @abstractmethod
    def _show_tables(self, values: list[str]) -> None:
        """Fill what tells of the frames."""

    @abstractmethod
    def _browser_changed(self) -> None:
        """Another frame was chosen in Slicer's own tool bar."""

    def show(self, index: int) -> None:
        """Show a frame."""
        values = self.values()
        if self._updating or not 0 <= index < len(values) or index == self.index == self._shown:
            return
        self._updating = True
        try:
            self._choose(index, values[index])
        finally:
            self._updating = False
        self._shown = index
        self._on_shown()

    def refresh(self) -> None:
        """Show slider and tables."""
        values = self.values()
        self._observers.observe([self.browser])
        self._updating = True
        try:
            self.ui.frameSlider.maximum = float(max(1, len(values)))
            self.ui.frameSlider.value = float(self.index + 1)
            allow(self.ui.frameSlider, len(values) > 1, _("Add X-rays of two or more frames."))
            self._show_tables(values)
        finally:
            self._updating = False
        self._shown = self.index

    def _row_selected(self) -> None:
        rows = {item.row() for item in self.ui.frameTable.selectedItems()}
        if rows and not self._updating:
            self.show(min(rows))
