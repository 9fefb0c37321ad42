"""Two-ended ranges."""

from __future__ import annotations

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from ..cpp_widget import cpp_widget, stored
from .sliders import ctkDoubleSpinBox


@cpp_widget
class ctkRangeWidget(QWidget):
    """A lower and an upper value within a range, in two spin boxes (CTK draws a slider between them)."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high = ctkDoubleSpinBox(self), ctkDoubleSpinBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._low)
        layout.addWidget(self._high)
        self._reported = (0.0, 99.0)
        self.setRange(0, 99)
        self.setValues(0, 99)
        self._low.valueChanged.connect(lambda value: self.setValues(value, max(value, self._high.value)))
        self._high.valueChanged.connect(lambda value: self.setValues(min(self._low.value, value), value))

    def setValues(self, low: float, high: float) -> None:
        for box, value in ((self._low, min(low, high)), (self._high, max(low, high))):
            blocked = box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(blocked)
        values = (self._low.value, self._high.value)
        if values != self._reported:
            before, self._reported = self._reported, values
            if values[0] != before[0]:
                self.minimumValueChanged.emit(values[0])
            if values[1] != before[1]:
                self.maximumValueChanged.emit(values[1])
            self.valuesChanged.emit(*values)

    def setRange(self, minimum: float, maximum: float) -> None:
        for box in (self._low, self._high):
            blocked = box.blockSignals(True)
            box.setRange(minimum, maximum)
            box.blockSignals(blocked)
        self.rangeChanged.emit(minimum, maximum)
        self.setValues(self._low.value, self._high.value)

    def _set_both(self, name: str, value: object) -> None:
        for box in (self._low, self._high):
            setattr(box, name, value)

    minimum = Property(
        float, lambda self: self._low.minimum, lambda self, v: self.setRange(v, max(v, self._low.maximum))
    )
    maximum = Property(
        float, lambda self: self._low.maximum, lambda self, v: self.setRange(min(v, self._low.minimum), v)
    )
    minimumValue = Property(float, lambda self: self._low.value, lambda self, v: self.setValues(v, self._high.value))
    maximumValue = Property(float, lambda self: self._high.value, lambda self, v: self.setValues(self._low.value, v))
    decimals = Property(int, lambda self: self._low.decimals, lambda self, v: self._set_both("decimals", v))
    singleStep = Property(float, lambda self: self._low.singleStep, lambda self, v: self._set_both("singleStep", v))
    suffix = Property(str, lambda self: self._low.suffix, lambda self, v: self._set_both("suffix", v))
    prefix = Property(str, lambda self: self._low.prefix, lambda self, v: self._set_both("prefix", v))
    tracking = stored(bool, "tracking", True)
    symmetricMoves = stored(bool, "symmetricMoves", False)


@cpp_widget
class ctkDoubleRangeSlider(ctkRangeWidget):
    """The same without spin boxes in CTK; the host draws them all the same."""
