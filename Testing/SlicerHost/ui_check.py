"""What is wrong between a .ui file, the parameter node it binds to and the code that names its widgets."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

BINDING = "SlicerParameterName"
DYNAMIC_PROPERTIES = {BINDING, "SlicerPackParameterName"}
INTERACTIVE = (
    *("QPushButton", "QToolButton", "QCheckBox", "QComboBox", "QLineEdit", "QSpinBox", "QDoubleSpinBox", "QSlider"),
    *("ctkSliderWidget", "ctkPathLineEdit", "ctkDirectoryButton", "ctkRangeWidget", "ctkComboBox", "ctkCheckBox"),
    *("ctkDoubleSpinBox", "qMRMLNodeComboBox", "qMRMLSliderWidget"),
)


def check_module_ui(ui_file: Path, parameter_class: Any, source_files: Iterable[Path]) -> list[str]:
    """One sentence per problem; an empty list when all is well. Needs a running host.

    Parameters
    ----------
    parameter_class : class decorated with ``parameterNodeWrapper``.
    source_files : Python files that use the widgets as ``ui.<name>`` or ``self.ui.<name>``.
    """
    document = ElementTree.parse(ui_file)
    names = [item.get("name", "") for item in document.iter() if item.tag in ("widget", "layout", "action")]
    return [
        *(f"two objects are called '{name}'" for name in sorted({n for n in names if n and names.count(n) > 1})),
        *_binding_problems(ui_file, parameter_class),
        *_dynamic_property_problems(document),
        *_scene_problems(document),
        *(f"the code uses ui.{name}, which does not exist" for name in sorted(used_names(source_files) - set(names))),
        *(
            f"tab stop '{stop.text}' does not exist"
            for stop in document.iterfind("tabstops/tabstop")
            if stop.text not in names
        ),
    ]


def _binding_problems(ui_file: Path, parameter_class: Any) -> list[str]:
    import qt
    import slicer
    from slicer.parameterNodeWrapper import createGuiConnector

    root = slicer.util.loadUI(str(ui_file))
    problems = []
    for widget in root.findChildren(qt.QWidget):
        parameter = widget.property(BINDING)
        if not parameter:
            continue
        try:
            createGuiConnector(widget, parameter_class.dataType(parameter))
        except (ValueError, RuntimeError) as error:
            problems.append(f"{widget.objectName} cannot bind '{parameter}': {error}")
    return problems


def _dynamic_property_problems(document: Any) -> list[str]:
    """Slicer's own template has a check box with the parameter's name in place of ``SlicerParameterName``."""
    return [
        f"{widget.get('name')} has the dynamic property '{item.get('name')}': is {BINDING} meant?"
        for widget in document.iter("widget")
        for item in widget.findall("property")
        if item.get("stdset") == "0" and item.get("name") not in DYNAMIC_PROPERTIES
    ]


def _scene_problems(document: Any) -> list[str]:
    """Node selectors are empty until something gives them the scene."""
    from .qt_adapter.ui_loader import custom_widgets

    connected = {
        item.findtext("receiver")
        for item in document.iterfind("connections/connection")
        if item.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and item.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    top = document.find("widget")
    problems = [] if top.get("class") in ("qMRMLWidget", "qSlicerWidget") else ["the top widget is no qMRMLWidget"]
    for widget in document.iter("widget"):
        class_ = custom_widgets.get(widget.get("class", ""))
        if widget is not top and hasattr(class_, "setMRMLScene") and widget.get("name") not in connected:
            problems.append(f"{widget.get('name')} gets no scene: connect mrmlSceneChanged(vtkMRMLScene*) to it")
    return problems


def used_names(source_files: Iterable[Path]) -> set[str]:
    """The widget names in ``ui.<name>`` and ``<anything>.ui.<name>``."""
    used = set()
    for path in source_files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and _is_ui(node.value):
                used.add(node.attr)
    return used


def _is_ui(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "ui") or (isinstance(node, ast.Attribute) and node.attr == "ui")


def widgets_without_tooltip(ui_file: Path) -> list[str]:
    """Names of the widgets a user acts on that do not say what they do."""
    return [
        widget.get("name", "")
        for widget in ElementTree.parse(ui_file).iter("widget")
        if widget.get("class") in INTERACTIVE and not widget.findtext("property[@name='toolTip']/string")
    ]
