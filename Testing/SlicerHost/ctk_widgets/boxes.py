"""Containers, combo and check boxes."""

from __future__ import annotations

from PySide6.QtCore import Property, QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QFrame,
    QGroupBox,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from ..cpp_widget import cpp_widget, stored

HEADER_PX = 26


@cpp_widget
class ctkCollapsibleButton(QAbstractButton):
    """A button with its contents below, shown or hidden by a click."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent: QWidget | str | None = None, extra: QWidget | None = None) -> None:
        text, parent = (parent, extra) if isinstance(parent, str) else ("", parent)
        super().__init__(parent)
        self._hidden_by_collapse: list[QWidget] = []
        self.setText(text)
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, HEADER_PX, 0, 0)
        self.setSizePolicy(QSizePolicy.Minimum, QSizePolicy.Preferred)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, opened: bool) -> None:
        if opened:
            hidden, self._hidden_by_collapse = self._hidden_by_collapse, []
            for child in hidden:
                child.setVisible(True)
        else:
            for child in self.children():
                self._hide(child)
        self.updateGeometry()
        self.contentsCollapsed.emit(not opened)

    def _hide(self, child: QObject) -> None:
        if isinstance(child, QWidget) and not child.isHidden():
            self._hidden_by_collapse.append(child)
            child.setVisible(False)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.ChildPolished:
            event.child().installEventFilter(self)
            if not self.checked:
                self._hide(event.child())
        return super().event(event)

    def eventFilter(self, child: QObject, event: QEvent) -> bool:
        """A child that is shown while the button is collapsed appears when the button opens."""
        if event.type() == QEvent.ShowToParent and not self.checked and child.parent() is self:
            self._hide(child)
        return False

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    def hitButton(self, position: object) -> bool:
        return QRect(0, 0, self.width, HEADER_PX).contains(position)

    def minimumSizeHint(self) -> QSize:
        layout = self.layout()
        if layout is None or not self.checked:
            return QSize(60, HEADER_PX)
        return layout.totalMinimumSize()

    def sizeHint(self) -> QSize:
        layout = self.layout()
        if layout is None or not self.checked:
            return QSize(200, HEADER_PX)
        return layout.totalSizeHint()

    def paintEvent(self, _event: object) -> None:
        painter = QPainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.width, HEADER_PX - 2)
        self.style().drawControl(QStyle.CE_PushButtonBevel, option, painter, self)
        arrow = QStyleOptionButton()
        arrow.initFrom(self)
        arrow.rect = QRect(6, 6, HEADER_PX - 14, HEADER_PX - 14)
        element = QStyle.PE_IndicatorArrowDown if self.checked else QStyle.PE_IndicatorArrowRight
        self.style().drawPrimitive(element, arrow, painter, self)
        painter.drawText(option.rect.adjusted(HEADER_PX, 0, 0, 0), int(Qt.AlignVCenter | Qt.AlignLeft), self.text)

    collapsed = Property(bool, lambda self: not self.checked, setCollapsed)
    flat = stored(bool, "flat", False)
    collapsedHeight = stored(int, "collapsedHeight", 10)
    contentsFrameShape = stored("QVariant", "contentsFrameShape", QFrame.NoFrame)
    contentsFrameShadow = stored("QVariant", "contentsFrameShadow", QFrame.Plain)
    contentsLineWidth = stored(int, "contentsLineWidth", 1)
    contentsMidLineWidth = stored(int, "contentsMidLineWidth", 0)
    buttonTextAlignment = stored("QVariant", "buttonTextAlignment", 0)
    indicatorAlignment = stored("QVariant", "indicatorAlignment", 0)


@cpp_widget
class ctkCollapsibleGroupBox(QGroupBox):
    """A group box whose check mark opens and closes it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, opened: bool) -> None:
        for child in self.children():
            if isinstance(child, QWidget):
                child.setVisible(opened)

    collapsed = Property(bool, lambda self: not self.checked, lambda self, on: self.setChecked(not on))
    collapsedHeight = stored(int, "collapsedHeight", 14)


@cpp_widget
class ctkComboBox(QComboBox):
    """A combo box with a text for "nothing chosen"."""

    ScrollOn, NeverScroll, ScrollWithFocus, ScrollWithNoVScrollBar = 1, 0, 2, 4

    def setDefaultText(self, text: str) -> None:
        self.setPlaceholderText(text)

    defaultText = Property(str, lambda self: self.placeholderText, setDefaultText)
    elideMode = stored("QVariant", "elideMode", 0)
    scrollWheelEffect = stored("QVariant", "scrollWheelEffect", 1)
    forceDefault = stored(bool, "forceDefault", False)


@cpp_widget
class ctkCheckBox(QCheckBox):
    """A check box with an icon as its indicator."""

    indicatorIcon = stored(QIcon, "indicatorIcon", None)
    indicatorIconSize = stored(QSize, "indicatorIconSize", QSize(16, 16))


@cpp_widget
class ctkExpandableWidget(QFrame):
    """A frame the user can make larger."""

    orientations = stored("QVariant", "orientations", 0)
    sizeGripInside = stored(bool, "sizeGripInside", True)


@cpp_widget
class ctkDynamicSpacer(QWidget):
    """Empty room that appears when needed."""

    active = stored(bool, "active", False)
    activeSizePolicy = stored("QVariant", "activeSizePolicy", None)
    inactiveSizePolicy = stored("QVariant", "inactiveSizePolicy", None)
