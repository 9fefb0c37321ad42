"""Which widget can show which type. As in Slicer the widget's class must match exactly: sub-classes do not bind."""

from __future__ import annotations

import enum
import logging
from typing import Any, Union, get_args, get_origin

import ctk
import qt
import slicer

from .annotations import (
    Choice,
    Decimals,
    Default,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
    first_of,
    plain_type,
    split_annotations,
)
from .codec import normalized_type
from .scalar_codecs import PATH_TYPES

_connectors: list[type[GuiConnector]] = []


class GuiConnector:
    """One widget as a value: ``read``, ``write`` and a call-back on change."""

    signal = ""
    """Name of the widget's signal that tells of a change; empty when it has none."""

    def __init__(self, widget: Any, datatype: Any) -> None:
        self._widget = widget
        self._type, self._annotations = split_annotations(datatype)
        self._callback: Any = None

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        raise NotImplementedError

    def widget(self) -> Any:
        return self._widget

    def changed(self, *_arguments: Any) -> None:
        if self._callback is not None:
            self._callback()

    def onChanged(self, callback: Any) -> None:
        """Call ``callback`` on every change; None to stop."""
        if self.signal and callback is not None and self._callback is None:
            getattr(self._widget, self.signal).connect(self.changed)
        if self.signal and callback is None and self._callback is not None:
            getattr(self._widget, self.signal).disconnect(self.changed)
        self._callback = callback

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError


def parameterNodeGuiConnector(class_: Any = None) -> Any:
    """Class decorator that registers a connector."""
    if class_ is None:
        return parameterNodeGuiConnector
    if not issubclass(class_, GuiConnector):
        raise TypeError("Must be a GuiConnector subclass")
    _connectors.append(class_)
    return class_


def createGuiConnector(widget: Any, datatype: Any) -> GuiConnector:
    """The connector for a widget and a type; RuntimeError when the widget cannot show the type."""
    type_, annotations = split_annotations(datatype)
    datatype = datatype if annotations else normalized_type(type_)
    class_ = next((class_ for class_ in _connectors if class_.canRepresent(widget, datatype)), None)
    if class_ is None:
        raise RuntimeError(
            f"Unable to create GUI connector from datatype '{datatype}' to widget type '{type(widget)}'."
        )
    return class_(widget, datatype)


@parameterNodeGuiConnector
class CheckBoxConnector(GuiConnector):
    signal = "stateChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return plain_type(datatype) is bool and type(widget) in (qt.QCheckBox, ctk.ctkCheckBox)

    def read(self) -> bool:
        return self._widget.checked

    def write(self, value: bool) -> None:
        self._widget.checked = value


@parameterNodeGuiConnector
class PushButtonConnector(GuiConnector):
    signal = "toggled"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return plain_type(datatype) is bool and type(widget) in (qt.QPushButton, ctk.ctkCheckablePushButton)

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        if not widget.checkable:
            logging.warning("Making push button checkable for conversion to bool: button %s", widget.name)
            widget.checkable = True

    def read(self) -> bool:
        return self._widget.checked

    def write(self, value: bool) -> None:
        self._widget.checked = value


class _NumberConnector(GuiConnector):
    signal = "valueChanged"
    needs_bounds: tuple[Any, ...] = ()

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        within, minimum, maximum = (first_of(self._annotations, c) for c in (WithinRange, Minimum, Maximum))
        low = within.minimum if within else minimum.minimum if minimum else None
        high = within.maximum if within else maximum.maximum if maximum else None
        if type(widget) in self.needs_bounds and (low is None or high is None):
            raise RuntimeError(f"Cannot have a connection to {type(widget).__name__} where the type is unbounded.")
        self._set_hints()
        self._set_bounds(low, high)

    def _set_hints(self) -> None:
        step = first_of(self._annotations, SingleStep)
        if step is not None:
            self._widget.singleStep = step.value

    def _set_bounds(self, low: Any, high: Any) -> None:
        raise NotImplementedError


@parameterNodeGuiConnector
class IntConnector(_NumberConnector):
    needs_bounds = (qt.QSlider,)

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return plain_type(datatype) is int and type(widget) in (qt.QSlider, qt.QSpinBox)

    def _set_bounds(self, low: Any, high: Any) -> None:
        self._widget.setMinimum(-(2**31) if low is None else low)
        self._widget.setMaximum(2**31 - 1 if high is None else high)

    def read(self) -> int:
        return self._widget.value

    def write(self, value: int) -> None:
        self._widget.value = value


FLOAT_WIDGETS = (
    qt.QDoubleSpinBox,
    ctk.ctkSliderWidget,
    slicer.qMRMLSliderWidget,
    ctk.ctkDoubleSlider,
    ctk.ctkDoubleSpinBox,
    slicer.qMRMLSpinBox,
)


@parameterNodeGuiConnector
class FloatConnector(_NumberConnector):
    needs_bounds = (ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return plain_type(datatype) in (float, int) and type(widget) in FLOAT_WIDGETS

    def _set_hints(self) -> None:
        super()._set_hints()
        decimals = first_of(self._annotations, Decimals)
        if type(self._widget) is not ctk.ctkDoubleSlider:
            if self._type is int:
                self._widget.decimals = 0
            elif decimals is not None:
                self._widget.decimals = decimals.value

    def _set_bounds(self, low: Any, high: Any) -> None:
        self._widget.setMinimum(float("-inf") if low is None else low)
        self._widget.setMaximum(float("inf") if high is None else high)

    def read(self) -> float:
        return self._type(self._widget.value)

    def write(self, value: float) -> None:
        self._widget.value = self._type(value)


class _ComboBoxConnector(GuiConnector):
    signal = "currentIndexChanged"

    def _fill(self, entries: list[tuple[str, Any]]) -> None:
        self._values = [value for _, value in entries]
        self._widget.clear()
        for label, _ in entries:
            self._widget.addItem(label)

    def read(self) -> Any:
        return self._values[self._widget.currentIndex]

    def write(self, value: Any) -> None:
        if value not in self._values:
            raise ValueError(f"Unable to find value {value} in choices {self._values}")
        self._widget.currentIndex = self._values.index(value)


@parameterNodeGuiConnector
class ChoiceConnector(_ComboBoxConnector):
    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) in (qt.QComboBox, ctk.ctkComboBox) and plain_type(datatype) in (int, float, str, bool)

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        choice = first_of(self._annotations, Choice)
        if choice is None:
            raise RuntimeError("A combo box needs the Choice annotation.")
        self._fill([(str(value), value) for value in choice.choices])


@parameterNodeGuiConnector
class EnumConnector(_ComboBoxConnector):
    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        type_ = plain_type(datatype)
        is_enum = isinstance(type_, type) and issubclass(type_, enum.Enum)
        return type(widget) in (qt.QComboBox, ctk.ctkComboBox) and is_enum

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        label = getattr(self._type, "label", lambda member: member.name)
        self._fill([(label(member), member) for member in self._type])


@parameterNodeGuiConnector
class LineEditConnector(GuiConnector):
    signal = "textChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is qt.QLineEdit and plain_type(datatype) is str

    def read(self) -> str:
        return self._widget.text

    def write(self, value: str) -> None:
        if value != self._widget.text:
            self._widget.text = value


@parameterNodeGuiConnector
class LabelConnector(GuiConnector):
    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is qt.QLabel and plain_type(datatype) is str

    def read(self) -> str:
        return self._widget.text

    def write(self, value: str) -> None:
        self._widget.text = value


@parameterNodeGuiConnector
class TextEditConnector(GuiConnector):
    signal = "textChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is qt.QTextEdit and plain_type(datatype) is str

    def read(self) -> str:
        return self._widget.toPlainText()

    def write(self, value: str) -> None:
        if value != self._widget.toPlainText():
            self._widget.setPlainText(value)


@parameterNodeGuiConnector
class PathLineConnector(GuiConnector):
    signal = "currentPathChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is ctk.ctkPathLineEdit and plain_type(datatype) in PATH_TYPES

    def read(self) -> Any:
        return self._type(self._widget.currentPath)

    def write(self, value: Any) -> None:
        self._widget.currentPath = str(value)


@parameterNodeGuiConnector
class DirectoryButtonConnector(GuiConnector):
    signal = "directoryChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is ctk.ctkDirectoryButton and plain_type(datatype) in PATH_TYPES

    def read(self) -> Any:
        return self._type(self._widget.directory)

    def write(self, value: Any) -> None:
        self._widget.directory = str(value)


@parameterNodeGuiConnector
class RangeConnector(GuiConnector):
    signal = "valuesChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        from .float_range import FloatRange

        widgets = (ctk.ctkRangeWidget, ctk.ctkDoubleRangeSlider, slicer.qMRMLRangeWidget)
        return type(widget) in widgets and plain_type(datatype) is FloatRange

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        bounds = first_of(self._annotations, RangeBounds)
        if bounds is None:
            raise RuntimeError("A range widget needs the RangeBounds annotation.")
        if first_of(self._annotations, Default) is None and not bounds.minimum <= 0 <= bounds.maximum:
            raise RuntimeError("RangeBounds that do not cover 0 need a Default too.")
        widget.setRange(bounds.minimum, bounds.maximum)

    def read(self) -> Any:
        return self._type(self._widget.minimumValue, self._widget.maximumValue)

    def write(self, value: Any) -> None:
        self._widget.setValues(value.minimum, value.maximum)


def node_classes(datatype: Any) -> list[type] | None:
    """The MRML classes of a node type or of a union of node types and None; None for any other type."""
    type_ = plain_type(datatype)
    arguments = [plain_type(a) for a in get_args(type_)] if get_origin(type_) is Union else [type_]
    classes = [a for a in arguments if a is not type(None)]
    is_nodes = all(isinstance(a, type) and issubclass(a, slicer.vtkMRMLNode) for a in classes)
    return classes if classes and is_nodes else None


@parameterNodeGuiConnector
class NodeConnector(GuiConnector):
    signal = "currentNodeChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is slicer.qMRMLNodeComboBox and node_classes(datatype) is not None

    def __init__(self, widget: Any, datatype: Any) -> None:
        super().__init__(widget, datatype)
        widget.nodeTypes = [class_().GetClassName() for class_ in node_classes(datatype) or []]

    def read(self) -> Any:
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)


@parameterNodeGuiConnector
class ColorConnector(GuiConnector):
    signal = "colorChanged"

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        return type(widget) is ctk.ctkColorPickerButton and plain_type(datatype) is qt.QColor

    def read(self) -> Any:
        return self._widget.color

    def write(self, value: Any) -> None:
        self._widget.color = value
