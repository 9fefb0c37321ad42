"""``qt.QUiLoader``: reads .ui files with the host's ctk and qMRML widgets, strictly.

Qt's loader knows neither signals and slots written in Python nor their enumerations, so connections and enumerated
properties of those widgets are taken out of the file, and made here after it is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

custom_widgets: dict[str, type] = {}
"""ctk and qMRML classes by the class name in the .ui file."""


class UiLoader(QtUiTools.QUiLoader):
    """Raises ValueError for what a lenient loader would skip: unknown classes, properties and connections."""

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        if class_name in custom_widgets:
            widget = custom_widgets[class_name](parent)
            widget.setObjectName(name)
            return widget
        if not hasattr(QtWidgets, class_name):
            raise ValueError(f"SlicerHost has no widget class '{class_name}': add it to ctk_widgets or qmrml_widgets")
        return super().createWidget(class_name, parent, name)

    def load(self, source: Any, parent: Any = None) -> Any:
        """The widget of a .ui file given as an open QFile or a path."""
        path = Path(source.fileName() if isinstance(source, QtCore.QFile) else str(source))
        document = ElementTree.parse(path)
        connections = _take_connections(document)
        enumerations = _take_enumerations(document)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(document.getroot()))
        buffer.open(QtCore.QIODevice.ReadOnly)
        self.setWorkingDirectory(QtCore.QDir(str(path.parent)))
        root = super().load(buffer, parent)
        if root is None:
            raise ValueError(f"{path.name}: {self.errorString()}")
        for name, property_name, text in enumerations:
            _set_enumeration(find_object(root, name), property_name, text)
        for sender, signal, receiver, slot in connections:
            _connect(find_object(root, sender), signal, find_object(root, receiver), slot)
        return root


def _take_connections(document: ElementTree.ElementTree[Any]) -> list[tuple[str, str, str, str]]:
    root = document.getroot()
    section = root.find("connections")
    if section is None:
        return []
    root.remove(section)
    tags = ("sender", "signal", "receiver", "slot")
    return [tuple(item.findtext(tag, "") for tag in tags) for item in section]  # type: ignore[misc]


def _take_enumerations(document: ElementTree.ElementTree[Any]) -> list[tuple[str, str, str]]:
    taken = []
    for widget in document.iter("widget"):
        if widget.get("class") not in custom_widgets:
            continue
        for item in widget.findall("property"):
            text = item.findtext("enum") or item.findtext("set")
            if text and text.partition("::")[0] in custom_widgets:
                taken.append((widget.get("name", ""), item.get("name", ""), text))
                widget.remove(item)
    return taken


def _set_enumeration(widget: Any, property_name: str, text: str) -> None:
    """``ctkPathLineEdit::Files|ctkPathLineEdit::Readable`` as the sum of the class's constants."""
    setattr(widget, property_name, sum(getattr(type(widget), part.rpartition("::")[2]) for part in text.split("|")))


def _connect(sender: Any, signal: str, receiver: Any, slot: str) -> None:
    function = getattr(receiver, slot.partition("(")[0], None)
    if function is None:
        raise ValueError(f"{type(receiver).__name__} '{receiver.objectName}' has no slot {slot}")
    sender.connect(signal, function)


def find_object(root: Any, name: str) -> Any:
    """The object of that name in a loaded .ui file; ValueError when absent."""
    if root.objectName == name:
        return root
    found = root.findChild(QtCore.QObject, name)
    if found is None:
        raise ValueError(f"the .ui file has no object '{name}'")
    return found
