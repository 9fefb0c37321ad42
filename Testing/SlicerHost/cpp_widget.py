"""What makes a Python widget pass for a C++ class of CTK or Slicer."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property

from .qt_adapter.new_attributes import CPP_ATTRIBUTE
from .qt_adapter.ui_loader import custom_widgets


def cpp_widget(class_: type) -> type:
    """Class decorator: usable in .ui files, no new attributes, a ``setName`` function per writable property."""
    for name, value in list(vars(class_).items()):
        if isinstance(value, Property) and value.fset is not None:
            setter = "set" + name[0].upper() + name[1:]
            if not hasattr(class_, setter):
                setattr(class_, setter, value.fset)
    setattr(class_, CPP_ATTRIBUTE, True)
    custom_widgets[class_.__name__] = class_
    return class_


def stored(type_: Any, name: str, default: Any) -> Property:
    """A Qt property that is only remembered: nothing in a test depends on what it does in Slicer."""
    key = "_stored_" + name

    def read(self: Any) -> Any:
        return self.__dict__.get(key, default)

    def write(self: Any, value: Any) -> None:
        self.__dict__[key] = value

    return Property(type_, read, write)


def relayed(type_: Any, child: str, name: str) -> Property:
    """A Qt property that belongs to the child widget ``self.<child>``."""

    def read(self: Any) -> Any:
        return getattr(getattr(self, child), name)

    def write(self: Any, value: Any) -> None:
        setattr(getattr(self, child), name, value)

    return Property(type_, read, write)
