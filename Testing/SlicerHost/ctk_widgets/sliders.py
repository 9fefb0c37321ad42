"""Sliders and spin boxes for floating-point numbers."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSizePolicy, QSlider, QWidget

from ..cpp_widget import cpp_widget, relayed, stored

SLIDER_TICKS = 1000
LARGEST = 1e300
"""Stands for infinity where a slider must compute a span."""


def _finite(value: float) -> float:
    return max(-LARGEST, min(LARGEST, value))


@cpp_widget
class ctkDoubleSpinBox(QWidget):
    """A spin box for floating-point numbers; shows ``decimals`` digits, keeps the exact value it was given."""

    valueChanged = Signal(float)
    editingFinished = Signal()
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = 0.0
        self._box = QDoubleSpinBox(self)
        self._box.setRange(0, 99.99)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self._change)
        self._box.editingFinished.connect(self.editingFinished)

    def _change(self, value: float) -> None:
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        value = max(self._box.minimum, min(self._box.maximum, float(value)))
        blocked = self._box.blockSignals(True)
        self._box.setValue(value)
        self._box.blockSignals(blocked)
        self._change(value)

    def setRange(self, minimum: float, maximum: float) -> None:
        blocked = self._box.blockSignals(True)
        self._box.setRange(minimum, maximum)
        self._box.blockSignals(blocked)
        self.setValue(self._value)

    def setMinimum(self, minimum: float) -> None:
        self.setRange(minimum, max(minimum, self._box.maximum))

    def setMaximum(self, maximum: float) -> None:
        self.setRange(min(self._box.minimum, maximum), maximum)

    def setDecimals(self, decimals: int) -> None:
        blocked = self._box.blockSignals(True)
        self._box.setDecimals(decimals)
        self._box.blockSignals(blocked)
        self.decimalsChanged.emit(decimals)

    decimals = Property(int, lambda self: self._box.decimals, setDecimals)
    minimum = Property(float, lambda self: self._box.minimum, setMinimum)
    maximum = Property(float, lambda self: self._box.maximum, setMaximum)
    value = Property(float, lambda self: self._value, setValue)
    singleStep = relayed(float, "_box", "singleStep")
    prefix = relayed(str, "_box", "prefix")
    suffix = relayed(str, "_box", "suffix")
    readOnly = relayed(bool, "_box", "readOnly")
    frame = relayed(bool, "_box", "frame")
    decimalsOption = stored("QVariant", "decimalsOption", 0)
    sizeHintPolicy = stored("QVariant", "sizeHintPolicy", 0)


@cpp_widget
class ctkDoubleSlider(QWidget):
    """A slider over floating-point numbers; keeps the exact value it was given."""

    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._minimum, self._maximum, self._value = 0.0, 99.0, 0.0
        self._slider = QSlider(Qt.Horizontal, self)
        self._slider.setRange(0, SLIDER_TICKS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        self._slider.valueChanged.connect(self._on_ticks)
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)

    def _on_ticks(self, ticks: int) -> None:
        self.setValue(self._minimum + (self._maximum - self._minimum) * ticks / SLIDER_TICKS)

    def setValue(self, value: float) -> None:
        value = max(self._minimum, min(self._maximum, float(value)))
        span = self._maximum - self._minimum
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round(SLIDER_TICKS * (value - self._minimum) / span) if 0 < span < LARGEST else 0)
        self._slider.blockSignals(blocked)
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)

    def setRange(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = float(minimum), float(maximum)
        self.rangeChanged.emit(self._minimum, self._maximum)
        self.setValue(self._value)

    def setMinimum(self, minimum: float) -> None:
        self.setRange(minimum, max(minimum, self._maximum))

    def setMaximum(self, maximum: float) -> None:
        self.setRange(min(self._minimum, maximum), maximum)

    value = Property(float, lambda self: self._value, setValue)
    minimum = Property(float, lambda self: self._minimum, setMinimum)
    maximum = Property(float, lambda self: self._maximum, setMaximum)
    singleStep = stored(float, "singleStep", 1.0)
    pageStep = stored(float, "pageStep", 10.0)
    tracking = relayed(bool, "_slider", "tracking")
    orientation = relayed(Qt.Orientation, "_slider", "orientation")


@cpp_widget
class ctkSliderWidget(QWidget):
    """Slider and spin box in one; values are kept within the range, and exact: ``decimals`` is what is shown."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    rangeChanged = Signal(float, float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = ctkDoubleSlider(self)
        self._box = ctkDoubleSpinBox(self)
        self.setRange(0, 99)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._box)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self._box.valueChanged.connect(self._on_box)
        self._slider.valueChanged.connect(self._box.setValue)

    def _on_box(self, value: float) -> None:
        self._slider.setValue(value)
        if not self.tracking:
            self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        self._box.setValue(value)

    def setRange(self, minimum: float, maximum: float) -> None:
        # The range first, then the value: the slider follows the box, never the other way round.
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(_finite(minimum), _finite(maximum))
        self._slider.blockSignals(blocked)
        self._box.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def setMinimum(self, minimum: float) -> None:
        self.setRange(minimum, max(minimum, self._box.maximum))

    def setMaximum(self, maximum: float) -> None:
        self.setRange(min(self._box.minimum, maximum), maximum)

    def reset(self) -> None:
        self.setValue(0)

    value = Property(float, lambda self: self._box.value, setValue)
    minimum = Property(float, lambda self: self._box.minimum, setMinimum)
    maximum = Property(float, lambda self: self._box.maximum, setMaximum)
    decimals = relayed(int, "_box", "decimals")
    singleStep = relayed(float, "_box", "singleStep")
    prefix = relayed(str, "_box", "prefix")
    suffix = relayed(str, "_box", "suffix")
    spinBoxVisible = Property(bool, lambda self: not self._box.isHidden(), lambda self, on: self._box.setVisible(on))
    pageStep = stored(float, "pageStep", 10.0)
    tickInterval = stored(float, "tickInterval", 0.0)
    tickPosition = stored("QVariant", "tickPosition", 0)
    tracking = stored(bool, "tracking", True)
    popupSlider = stored(bool, "popupSlider", False)
    invertedAppearance = stored(bool, "invertedAppearance", False)
    invertedControls = stored(bool, "invertedControls", False)
    synchronizeSiblings = stored("QVariant", "synchronizeSiblings", 0)
    NoSynchronize, SynchronizeWidth, SynchronizeDecimals = 0, 1, 2
