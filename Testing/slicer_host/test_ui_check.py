"""The .ui checker finds each kind of mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from SlicerHost.ui_check import check_module_ui, used_names, widgets_without_tooltip

pytestmark = pytest.mark.slicer


def ui(widgets: str, connections: str = "", top: str = "qMRMLWidget") -> str:
    return f"""<ui version="4.0"><class>Top</class><widget class="{top}" name="Top">
    <layout class="QVBoxLayout" name="layout">{widgets}</layout></widget>
    <connections>{connections}</connections></ui>"""


def item(class_name: str, name: str, properties: str = "") -> str:
    return f'<item><widget class="{class_name}" name="{name}">{properties}</widget></item>'


def dynamic(name: str, value: str) -> str:
    return f'<property name="{name}" stdset="0"><string>{value}</string></property>'


SCENE = (
    "<connection><sender>Top</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>"
    "<receiver>{0}</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection>"
)


@pytest.fixture
def problems(stand_in, tmp_path: Path):
    """Runs the checker on the text of a .ui file and of a source file, with parameters ``size`` and ``limited``."""
    from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

    def run(ui_text: str, source: str = "") -> list[str]:
        class Parameters:
            size: float
            limited: Annotated[float, WithinRange(0, 1)]

        Parameters.__annotations__ = {"size": float, "limited": Annotated[float, WithinRange(0, 1)]}
        (tmp_path / "top.ui").write_text(ui_text)
        (tmp_path / "code.py").write_text(source)
        return check_module_ui(tmp_path / "top.ui", parameterNodeWrapper(Parameters), [tmp_path / "code.py"])

    yield run
    stand_in.process_events()


def test_a_sound_file_has_no_problem(problems) -> None:
    text = ui(item("ctkSliderWidget", "slider", dynamic("SlicerParameterName", "limited")))
    assert problems(text, "self.ui.slider.value = 1") == []


def test_an_unknown_parameter(problems) -> None:
    (problem,) = problems(ui(item("ctkSliderWidget", "slider", dynamic("SlicerParameterName", "typo"))))
    assert "typo" in problem


def test_a_type_the_widget_cannot_show(problems) -> None:
    (problem,) = problems(ui(item("QCheckBox", "box", dynamic("SlicerParameterName", "size"))))
    assert "QCheckBox" in problem


def test_a_slider_without_limits(problems) -> None:
    (problem,) = problems(ui(item("ctkSliderWidget", "slider", dynamic("SlicerParameterName", "size"))))
    assert "unbounded" in problem


def test_a_parameter_name_in_place_of_the_property_name(problems) -> None:
    (problem,) = problems(ui(item("QCheckBox", "box", dynamic("size", "true"))))
    assert "SlicerParameterName" in problem


def test_a_selector_without_scene(problems) -> None:
    selector = item("qMRMLNodeComboBox", "selector")
    (problem,) = problems(ui(selector))
    assert "mrmlSceneChanged" in problem
    assert problems(ui(selector, SCENE.format("selector"))) == []


def test_a_top_widget_that_cannot_hand_on_the_scene(problems) -> None:
    (problem,) = problems(ui("", top="QWidget"))
    assert "qMRMLWidget" in problem


def test_code_that_names_a_widget_that_is_not_there(problems) -> None:
    (problem,) = problems(ui(item("QLabel", "label")), "ui.lable.setText('x')")
    assert "lable" in problem


def test_names_are_found_behind_any_object(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("self.ui.one.text = panel.ui.two.text\nui.three.hide()\nother.four()")
    assert used_names([tmp_path / "code.py"]) == {"one", "two", "three"}


def test_a_missing_tooltip(tmp_path: Path) -> None:
    told = item("QPushButton", "told", '<property name="toolTip"><string>Does it.</string></property>')
    (tmp_path / "top.ui").write_text(ui(told + item("QPushButton", "silent") + item("QLabel", "label")))
    assert widgets_without_tooltip(tmp_path / "top.ui") == ["silent"]
