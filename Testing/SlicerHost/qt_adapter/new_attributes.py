"""Python attributes cannot be added to plain C++ widgets: ``button.state = 1`` raises AttributeError in Slicer.

PySide6 allows it, so the host looks for such attributes when a test ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CPP_ATTRIBUTE = "cpp_class"
"""Marks the host's own widgets that are C++ classes in Slicer."""


def forbidden_attributes(widgets: Iterable[Any]) -> list[str]:
    """One sentence per attribute that Slicer would have refused; Python sub-classes may have any."""
    found = []
    for widget in widgets:
        class_ = type(widget)
        if class_.__module__.startswith("PySide6.") or CPP_ATTRIBUTE in vars(class_):
            found += [
                f"attribute '{name}' does not exist in {class_.__name__} '{widget.objectName}' and cannot be added"
                for name, value in vars(widget).items()
                if not (name.startswith("_") or hasattr(class_, name) or _is_ui_child(name, value))
            ]
    return found


def _is_ui_child(name: str, value: Any) -> bool:
    """PySide6's .ui loader hangs the named children on the top widget."""
    return getattr(value, "objectName", None) == name
