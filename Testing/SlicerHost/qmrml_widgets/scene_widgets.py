"""Widgets that only need to know the scene, and the sliders that show units."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ..cpp_widget import cpp_widget, stored
from ..ctk_widgets.ranges import ctkRangeWidget
from ..ctk_widgets.sliders import ctkDoubleSpinBox, ctkSliderWidget


@cpp_widget
class qMRMLWidget(QWidget):
    """A widget that hands its scene on through ``mrmlSceneChanged``."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


@cpp_widget
class qSlicerWidget(QWidget):
    """The same, one level lower in Slicer's libraries."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    mrmlScene = qMRMLWidget.mrmlScene
    setMRMLScene = qMRMLWidget.setMRMLScene


class _UnitAware:
    """A scene and a quantity; the host shows no units of the selection node."""

    _scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene


@cpp_widget
class qMRMLSliderWidget(_UnitAware, ctkSliderWidget):
    """A slider for a quantity such as length."""

    quantity = stored(str, "quantity", "")
    unitAwareProperties = stored("QVariant", "unitAwareProperties", 0)
    (None_, Suffix, Prefix, Precision, MinimumValue, MaximumValue, Scaling) = (0, 1, 2, 4, 8, 16, 32)


@cpp_widget
class qMRMLSpinBox(_UnitAware, ctkDoubleSpinBox):
    """A spin box for a quantity such as length."""

    quantity = stored(str, "quantity", "")
    unitAwareProperties = stored("QVariant", "unitAwareProperties", 0)
    (None_, Suffix, Prefix, Precision, MinimumValue, MaximumValue, Scaling) = (0, 1, 2, 4, 8, 16, 32)


@cpp_widget
class qMRMLRangeWidget(_UnitAware, ctkRangeWidget):
    """A range of a quantity."""

    quantity = stored(str, "quantity", "")
