"""Sliders and the matrix of a linear transform."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QFormLayout, QTableWidget, QTableWidgetItem, QWidget

from ..cpp_widget import cpp_widget, stored
from ..ctk_widgets.sliders import ctkSliderWidget
from .scene_observer import Observation
from .scene_widgets import qMRMLWidget

AXES = ("LR", "PA", "IS")


@cpp_widget
class qMRMLTransformSliders(qMRMLWidget):
    """Three sliders that move (``TRANSLATION``) or turn (``ROTATION``) a linear transform.

    Translations show and set the matrix's last column. Rotations are relative, as in Slicer: moving a slider turns
    by the difference, about the local axes with ``LOCAL`` reference and the world's with ``GLOBAL``.
    """

    GLOBAL, LOCAL = 0, 1
    TRANSLATION, ROTATION, TRANSLATION_ROTATION = 0, 1, 2

    valuesChanged = Signal()
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._updating = False
        self._sliders: list[ctkSliderWidget] = []
        self._last = [0.0, 0.0, 0.0]
        layout = QFormLayout(self)
        for index, axis in enumerate(AXES):
            slider = ctkSliderWidget(self)
            slider.setObjectName(axis + "Slider")
            slider.setRange(-200, 200)
            slider.valueChanged.connect(lambda value, index=index: self._on_slider(index, value))
            layout.addRow(axis, slider)
            self._sliders.append(slider)
        self._observation = Observation(self, ("TransformModifiedEvent", 15000), self._from_node)
        self.setEnabled(False)

    def setMRMLTransformNode(self, node: Any) -> None:
        self._node = node
        self._observation.observe(node)
        self.setEnabled(node is not None)
        self.reset()

    def mrmlTransformNode(self) -> Any:
        return self._node

    def reset(self) -> None:
        """Rotation sliders to zero, translation sliders to the matrix."""
        self._updating = True
        for index, slider in enumerate(self._sliders):
            slider.setValue(0)
            self._last[index] = 0.0
        self._updating = False
        self._from_node()

    def resetUnactiveSliders(self) -> None:
        """Rotations have no absolute value: other sliders go back to zero."""
        if self.TypeOfTransform == self.ROTATION:
            self.reset()

    def _from_node(self) -> None:
        if self._node is None or self._updating or self.TypeOfTransform != self.TRANSLATION:
            return
        matrix = self._node.GetMatrixTransformToParent()
        self._updating = True
        for index, slider in enumerate(self._sliders):
            slider.setValue(matrix.GetElement(index, 3))
            self._last[index] = slider.value
        self._updating = False

    def _on_slider(self, index: int, value: float) -> None:
        from vtkmodules.vtkCommonMath import vtkMatrix4x4
        from vtkmodules.vtkCommonTransforms import vtkTransform

        if self._node is None or self._updating:
            return
        change, self._last[index] = value - self._last[index], value
        matrix = vtkMatrix4x4()
        self._node.GetMatrixTransformToParent(matrix)
        transform = vtkTransform()
        transform.SetMatrix(matrix)
        if self.CoordinateReference == self.GLOBAL:
            transform.PostMultiply()
        axis = [float(index == other) for other in range(3)]
        if self.TypeOfTransform == self.TRANSLATION:
            transform.Translate(*(change * component for component in axis))
        else:
            transform.RotateWXYZ(change, *axis)
        self._updating = True
        self._node.SetMatrixTransformToParent(transform.GetMatrix())
        self._updating = False
        self.valuesChanged.emit()

    def setRange(self, minimum: float, maximum: float) -> None:
        for slider in self._sliders:
            slider.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def _each(self, name: str, value: Any) -> None:
        for slider in self._sliders:
            setattr(slider, name, value)

    minimum = Property(float, lambda self: self._sliders[0].minimum, lambda self, v: self._each("minimum", v))
    maximum = Property(float, lambda self: self._sliders[0].maximum, lambda self, v: self._each("maximum", v))
    SingleStep = Property(float, lambda self: self._sliders[0].singleStep, lambda self, v: self._each("singleStep", v))
    decimals = Property(int, lambda self: self._sliders[0].decimals, lambda self, v: self._each("decimals", v))
    CoordinateReference = stored(int, "CoordinateReference", 0)
    TypeOfTransform = stored(int, "TypeOfTransform", 0)
    Title = stored(str, "Title", "")
    LRLabel = stored(str, "LRLabel", "LR")
    PALabel = stored(str, "PALabel", "PA")
    ISLabel = stored(str, "ISLabel", "IS")
    minMaxVisible = stored(bool, "minMaxVisible", True)


@cpp_widget
class qMRMLMatrixWidget(QTableWidget):
    """The 4x4 matrix of a transform node, read only."""

    GLOBAL, LOCAL = 0, 1

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(4, 4, parent)
        self._node: Any = None
        self._observation = Observation(self, ("TransformModifiedEvent", 15000), self.updateMatrix)
        self.updateMatrix()

    def setMRMLTransformNode(self, node: Any) -> None:
        self._node = node
        self._observation.observe(node)
        self.updateMatrix()

    def updateMatrix(self) -> None:
        for row in range(4):
            for column in range(4):
                identity = float(row == column)
                matrix = None if self._node is None else self._node.GetMatrixTransformToParent()
                value = identity if matrix is None else matrix.GetElement(row, column)
                self.setItem(row, column, QTableWidgetItem(f"{value:.2f}"))

    coordinateReference = stored(int, "coordinateReference", 0)
