"""Qt properties as plain attributes, read and written: ``button.text = "Apply"``, ``slider.value``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QObject

SKIPPED = {("QTimer", "singleShot")}
"""Names that Slicer keeps as functions although a property has the same name."""


class QtProperty:
    """Descriptor of one Q_PROPERTY. Read on the class it still is Qt's function of that name, when there is one."""

    def __init__(self, name: str, getter: Any, setter: Any) -> None:
        self._name = name
        self._getter = getter
        self._setter = setter
        self._reading = False

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None or self._reading:
            # Virtual getters (sizeHint) look for a Python override by this very name and must not find it again.
            return self._getter.__get__(instance, owner) if self._getter is not None else self
        self._reading = True
        try:
            if self._getter is not None:
                return self._getter.__get__(instance, owner)()
            return QObject.property(instance, self._name)
        finally:
            self._reading = False

    def __set__(self, instance: Any, value: Any) -> None:
        if self._setter is not None:
            self._setter.__get__(instance, type(instance))(value)
        elif not QObject.setProperty(instance, self._name, value):
            raise AttributeError(f"property '{self._name}' of {type(instance).__name__} cannot be set to {value!r}")


def object_classes(libraries: Iterable[Any]) -> list[type]:
    """The QObject classes of Qt's libraries."""
    # By name: PySide6 creates its classes when they are first asked for.
    found = [getattr(library, name) for library in libraries for name in dir(library) if name.startswith("Q")]
    return [class_ for class_ in found if isinstance(class_, type) and issubclass(class_, QObject)]


def adapt_properties(class_: type) -> None:
    """Replace the getter functions of one class by properties."""
    meta = class_.staticMetaObject  # type: ignore[attr-defined]
    if meta.className() != class_.__name__:
        return
    for index in range(meta.propertyCount()):
        name = meta.property(index).name()
        is_own = index >= meta.propertyOffset() or name in vars(class_)
        if not is_own or (class_.__name__, name) in SKIPPED:
            continue
        getter = _function(class_, name) or _function(class_, "is" + name[0].upper() + name[1:])
        setter = _function(class_, "set" + name[0].upper() + name[1:])
        setattr(class_, name, QtProperty(name, getter, setter))
    if class_ is QObject:
        class_.name = QtProperty("objectName", QObject.objectName.__get__(None, QObject), QObject.setObjectName)


def _function(class_: type, name: str) -> Any:
    for parent in class_.__mro__:
        found = vars(parent).get(name)
        if isinstance(found, QtProperty):
            return found._getter
        if found is not None and (callable(found) or isinstance(found, staticmethod)):
            return found if hasattr(found, "__get__") else None
    return None
