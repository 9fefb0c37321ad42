"""A parameter and a widget, both ways, by the table of Slicer's connectors."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import pytest

pytestmark = pytest.mark.slicer


class Mode(enum.Enum):
    FAST = 1
    EXACT = 2

    def label(self) -> str:
        return self.name.title()


@pytest.fixture
def bound(slicer_host):
    """Binds one parameter of a type to one widget; returns the wrapper."""
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    def bind(type_: Any, widget: Any, **defaults: Any) -> Any:
        class_ = type("Parameters", (), {"__annotations__": {"p": type_}, "__module__": __name__, **defaults})
        node = slicer_host.session.scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")
        wrapper = parameterNodeWrapper(class_)(node)
        wrapper.tag = wrapper.connectParametersToGui({"p": widget})
        return wrapper

    return bind


def cases() -> list[Any]:
    from slicer.parameterNodeWrapper import Choice, WithinRange

    bounded = WithinRange(0, 10)
    return [
        ("qt.QCheckBox", bool, True, "checked", {}),
        ("ctk.ctkCheckBox", bool, True, "checked", {}),
        ("qt.QSpinBox", int, 7, "value", {}),
        ("qt.QSlider", Annotated[int, bounded], 7, "value", {}),
        ("qt.QDoubleSpinBox", float, 2.5, "value", {}),
        ("ctk.ctkDoubleSpinBox", float, 2.5, "value", {}),
        ("ctk.ctkSliderWidget", Annotated[float, bounded], 2.5, "value", {}),
        ("slicer.qMRMLSliderWidget", Annotated[int, bounded], 7, "value", {}),
        ("qt.QLineEdit", str, "text", "text", {}),
        ("qt.QComboBox", Annotated[str, Choice(["a", "b"])], "b", "currentText", {"p": "a"}),
        ("ctk.ctkPathLineEdit", Path, Path("a.nrrd"), "currentPath", {}),
    ]


def create(name: str) -> Any:
    import ctk
    import qt
    import slicer

    module, _, class_name = name.partition(".")
    return getattr({"qt": qt, "ctk": ctk, "slicer": slicer}[module], class_name)()


@pytest.mark.parametrize("index", range(11))
def test_both_ways(bound, index: int) -> None:
    class_name, type_, value, shown, defaults = cases()[index]
    widget = create(class_name)
    wrapper = bound(type_, widget, **defaults)
    before = getattr(widget, shown)
    wrapper.p = value
    as_shown = str(value) if isinstance(value, Path) else value
    assert getattr(widget, shown) == as_shown
    if shown == "currentText":
        widget.setCurrentIndex(0)
    else:
        setattr(widget, shown, before)
    assert wrapper.p != value


def test_an_enumeration_fills_the_combo_box(bound) -> None:
    widget = create("qt.QComboBox")
    wrapper = bound(Mode, widget, p=Mode.EXACT)
    assert [widget.itemText(index) for index in range(widget.count)] == ["Fast", "Exact"]
    assert widget.currentText == "Exact"
    widget.setCurrentIndex(0)
    assert wrapper.p is Mode.FAST


def test_a_range(bound) -> None:
    from slicer.parameterNodeWrapper import Default, FloatRange, RangeBounds

    widget = create("ctk.ctkRangeWidget")
    # Slicer 5.12 needs the default here: without one, its check of RangeBounds fails on a number.
    wrapper = bound(Annotated[FloatRange, RangeBounds(0, 100), Default(FloatRange(0, 0))], widget)
    widget.setValues(20, 30)
    assert wrapper.p == FloatRange(20, 30)


def test_a_node(bound, slicer_host) -> None:
    import slicer

    widget = create("slicer.qMRMLNodeComboBox")
    widget.setMRMLScene(slicer.mrmlScene)
    wrapper = bound(slicer.vtkMRMLModelNode, widget)
    assert widget.nodeTypes == ("vtkMRMLModelNode",)
    model = slicer_host.session.scene.AddNewNodeByClass("vtkMRMLModelNode")
    assert wrapper.p is None
    widget.setCurrentNode(model)
    assert wrapper.p is model


def test_the_widget_is_filled_at_once_and_signals_on_the_way_change_nothing(bound) -> None:
    widget = create("ctk.ctkSliderWidget")
    from slicer.parameterNodeWrapper import WithinRange

    wrapper = bound(Annotated[float, WithinRange(50, 60)], widget, p=55.0)
    assert (wrapper.p, widget.value, widget.minimum, widget.maximum) == (55, 55, 50, 60)


def test_neither_the_slider_nor_the_parameter_rounds(bound) -> None:
    from slicer.parameterNodeWrapper import WithinRange

    widget = create("ctk.ctkSliderWidget")
    wrapper = bound(Annotated[float, WithinRange(0, 1)], widget)
    wrapper.p = 0.123456
    assert widget.decimals == 2
    assert widget.value == 0.123456
    assert wrapper.p == 0.123456


def test_disconnecting_stops_both_ways(bound) -> None:
    widget = create("qt.QSpinBox")
    wrapper = bound(int, widget)
    wrapper.disconnectGui(wrapper.tag)
    wrapper.p = 3
    assert widget.value == 0
    widget.value = 9
    assert wrapper.p == 3


def test_subclasses_and_unfit_types_do_not_bind(bound) -> None:
    import qt

    class Special(qt.QCheckBox):
        pass

    for type_, widget in ((bool, Special()), (str, create("qt.QCheckBox")), (float, create("qt.QSpinBox"))):
        with pytest.raises(RuntimeError, match="Unable to create"):
            bound(type_, widget)


def test_a_slider_needs_limits_and_a_combo_box_choices(bound) -> None:
    for type_, class_name in ((float, "ctk.ctkSliderWidget"), (int, "qt.QSlider"), (str, "qt.QComboBox")):
        with pytest.raises(RuntimeError):
            bound(type_, create(class_name))


def test_an_unknown_name_is_refused(bound) -> None:
    wrapper = bound(int, create("qt.QSpinBox"))
    with pytest.raises(ValueError, match="Cannot find"):
        wrapper.connectParametersToGui({"q": create("qt.QSpinBox")})
