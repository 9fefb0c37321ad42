"""Single functions whose Python form differs between PySide6 and PythonQt."""

from __future__ import annotations

import sys
from typing import Any

from PySide6 import QtCore, QtWidgets

file_dialog_answers: list[Any] = []
"""What the next file dialogs return: a test puts paths here before it clicks a button that opens a dialog."""


def adapt_small_differences() -> None:
    """Apply all of them to the classes in place."""
    for class_ in (QtWidgets.QDialog, QtWidgets.QMenu, QtCore.QEventLoop, QtWidgets.QApplication):
        if not hasattr(class_, "exec_"):
            class_.exec_ = class_.exec
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory"):
        setattr(QtWidgets.QFileDialog, name, staticmethod(take_file_dialog_answer))
    for name in ("information", "warning", "critical", "question", "about"):
        setattr(QtWidgets.QMessageBox, name, staticmethod(_message_box))
    QtCore.QTimer.singleShot = staticmethod(single_shot)
    QtWidgets.QDialog.exec = QtWidgets.QDialog.exec_ = _modal_dialog
    for class_ in (QtWidgets.QLayout, QtWidgets.QMenu):
        class_.__bool__ = _holds_something


def take_file_dialog_answer(*_arguments: Any) -> Any:
    """PythonQt returns the path alone, not the pair of path and filter."""
    if not file_dialog_answers:
        raise AssertionError("a file dialog was opened: put its answer into host.file_dialog_answers first")
    return file_dialog_answers.pop(0)


def single_shot(milliseconds: int, receiver: Any, member: str | None = None) -> None:
    """Call a function, or a slot of an object, once after some time; Slicer replaces Qt's own function the same way."""
    timer = QtCore.QTimer(QtCore.QCoreApplication.instance())
    timer.setSingleShot(True)
    timer.connect("timeout()", *((receiver,) if member is None else (receiver, member)))
    timer.connect("timeout()", timer.deleteLater)
    timer.start(milliseconds)


def _holds_something(self: Any) -> bool:
    """PythonQt tests what has ``isEmpty`` by it: ``slicer.util.childWidgetVariables`` leaves empty layouts out."""
    return not self.isEmpty()


def _message_box(*arguments: Any) -> None:
    raise AssertionError(f"a message box that blocks was opened: {arguments[1:]}. Use slicer.util.*Display instead.")


def _modal_dialog(dialog: QtWidgets.QDialog) -> int:
    if sys._getframe(1).f_code.co_name == "delayDisplay":
        # slicer.util.delayDisplay closes its dialog by a timer: nothing to wait for in a test.
        QtCore.QCoreApplication.processEvents()
        return QtWidgets.QDialog.Accepted.value
    raise AssertionError(f"a modal dialog that blocks was opened: '{dialog.windowTitle}'")
