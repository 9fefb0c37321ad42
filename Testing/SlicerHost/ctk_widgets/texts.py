"""Text fields, message boxes and small classes without a face."""

from __future__ import annotations

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMessageBox, QTextBrowser, QWidget

from ..cpp_widget import cpp_widget, stored
from .sliders import ctkDoubleSpinBox


@cpp_widget
class ctkSearchBox(QLineEdit):
    """A line edit with a magnifier."""

    showSearchIcon = stored(bool, "showSearchIcon", False)


@cpp_widget
class ctkFittedTextBrowser(QTextBrowser):
    """A text browser as tall as its text."""

    collapsed = stored(bool, "collapsed", True)
    collapsibleText = Property(str, lambda self: self.toHtml(), lambda self, text: self.setHtml(text))
    showDetailsText = stored(str, "showDetailsText", "Show details...")
    hideDetailsText = stored(str, "hideDetailsText", "Hide details.")


@cpp_widget
class ctkMessageBox(QMessageBox):
    """A message box that can be told not to come again."""

    dontShowAgain = stored(bool, "dontShowAgain", False)
    dontShowAgainVisible = stored(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")


@cpp_widget
class ctkCoordinatesWidget(QWidget):
    """Several numbers in a row, as text ``1,2,3``."""

    coordinatesChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._boxes: list[ctkDoubleSpinBox] = []
        self._minimum, self._maximum = -100000.0, 100000.0
        self.setDimension(3)

    def setDimension(self, dimension: int) -> None:
        while len(self._boxes) > dimension:
            self._boxes.pop().deleteLater()
        while len(self._boxes) < dimension:
            box = ctkDoubleSpinBox(self)
            box.setRange(self._minimum, self._maximum)
            box.setDecimals(3)
            self._layout.addWidget(box)
            self._boxes.append(box)
            box.valueChanged.connect(lambda _value: self.coordinatesChanged.emit(self._values()))

    def _values(self) -> list[float]:
        return [box.value for box in self._boxes]

    def setCoordinates(self, *values: float) -> None:
        numbers = [float(part) for part in values[0].split(",")] if isinstance(values[0], str) else list(values)
        for box, value in zip(self._boxes, numbers, strict=False):
            box.setValue(value)

    def _set_all(self, name: str, value: object) -> None:
        for box in self._boxes:
            setattr(box, name, value)

    coordinates = Property(str, lambda self: ",".join(f"{value:g}" for value in self._values()), setCoordinates)
    dimension = Property(int, lambda self: len(self._boxes), setDimension)
    decimals = Property(int, lambda self: self._boxes[0].decimals, lambda self, v: self._set_all("decimals", v))
    minimum = Property(float, lambda self: self._boxes[0].minimum, lambda self, v: self._set_all("minimum", v))
    maximum = Property(float, lambda self: self._boxes[0].maximum, lambda self, v: self._set_all("maximum", v))
    singleStep = Property(float, lambda self: self._boxes[0].singleStep, lambda self, v: self._set_all("singleStep", v))
    suffix = Property(str, lambda self: self._boxes[0].suffix, lambda self, v: self._set_all("suffix", v))
    normalized = stored(bool, "normalized", False)


class ctkErrorLogLevel:
    """Levels of Slicer's log."""

    Debug, Info, Warning, Error = 2, 8, 16, 64
