"""Push buttons with something more."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton, QWidget

from ..cpp_widget import cpp_widget, stored


@cpp_widget
class ctkPushButton(QPushButton):
    """A push button with aligned text."""

    buttonTextAlignment = stored("QVariant", "buttonTextAlignment", 0)
    iconAlignment = stored("QVariant", "iconAlignment", 0)
    elideMode = stored("QVariant", "elideMode", 0)


@cpp_widget
class ctkMenuButton(QPushButton):
    """A push button with a menu beside it."""


@cpp_widget
class ctkCheckablePushButton(ctkPushButton):
    """A push button with a check box in it."""

    checkBoxToggled = Signal(bool)

    def __init__(self, parent: QWidget | str | None = None) -> None:
        super().__init__(parent)
        self._check_state = Qt.Unchecked

    def setCheckState(self, state: Qt.CheckState) -> None:
        if state == self._check_state:
            return
        self._check_state = state
        if self.checkBoxControlsButton:
            self.setCheckable(state == Qt.Checked)
        if self.checkBoxControlsButtonToggleState:
            self.setChecked(state == Qt.Checked)
        self.checkBoxToggled.emit(state == Qt.Checked)

    checkState = Property("QVariant", lambda self: self._check_state, setCheckState)
    checkBoxControlsButton = stored(bool, "checkBoxControlsButton", True)
    checkBoxControlsButtonToggleState = stored(bool, "checkBoxControlsButtonToggleState", True)
    checkBoxUserCheckable = stored(bool, "checkBoxUserCheckable", True)
    indicatorAlignment = stored("QVariant", "indicatorAlignment", 0)


@cpp_widget
class ctkColorPickerButton(QPushButton):
    """A button that shows a colour and opens a colour dialog."""

    colorChanged = Signal(QColor)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QColor(Qt.black)

    def setColor(self, color: QColor) -> None:
        if color == self._color:
            return
        self._color = QColor(color)
        self.setText(self._color.name())
        self.colorChanged.emit(self._color)

    color = Property(QColor, lambda self: self._color, setColor)
    displayColorName = stored(bool, "displayColorName", True)
    dialogOptions = stored("QVariant", "dialogOptions", 0)
