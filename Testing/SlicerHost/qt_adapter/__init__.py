"""The ``qt`` module of Slicer: Qt's own classes (PySide6) with the manners of PythonQt."""

from __future__ import annotations

import os
import sys
import types

from .connections import adapt_connections
from .properties import adapt_properties, object_classes
from .small_differences import adapt_small_differences
from .ui_loader import UiLoader

NOT_IN_PYTHONQT = {"Signal", "Slot", "Property", "SIGNAL", "SLOT", "ClassInfo"}
"""PySide's own additions: code that uses them would not run in Slicer."""


def create_qt_module() -> types.ModuleType:
    """Adapt PySide6's classes in place and return them as one flat module ``qt``, registered in ``sys.modules``."""
    if "qt" in sys.modules:
        return sys.modules["qt"]
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6 import QtCore, QtGui, QtWidgets

    libraries = (QtCore, QtGui, QtWidgets)
    for class_ in object_classes(libraries):
        adapt_properties(class_)
    adapt_connections()
    adapt_small_differences()
    module = types.ModuleType("qt", "Qt with the manners of PythonQt (test stand-in).")
    for library in libraries:
        for name in dir(library):
            if name.startswith("Q") and name not in NOT_IN_PYTHONQT:
                setattr(module, name, getattr(library, name))
    module.QUiLoader = UiLoader
    sys.modules["qt"] = module
    return module
