"""Choosing files and folders."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QDir, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QToolButton, QWidget

from ..cpp_widget import cpp_widget, stored
from ..qt_adapter.small_differences import take_file_dialog_answer


@cpp_widget
class ctkPathLineEdit(QWidget):
    """A line for a path, with a browse button; ``currentPath`` uses forward slashes."""

    Dirs, Files, Drives, NoSymLinks, Readable, Writable, Executable = 1, 2, 4, 8, 16, 32, 64
    Hidden, System = 256, 512

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QComboBox(self)
        self._line.setEditable(True)
        self._line.lineEdit().setText("")
        self._browse = QToolButton(self)
        self._browse.setText("...")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line, 1)
        layout.addWidget(self._browse)
        self._line.editTextChanged.connect(self.currentPathChanged)
        self._browse.clicked.connect(self.browse)

    def setCurrentPath(self, path: str) -> None:
        if path != self._line.currentText:
            self._line.setEditText(path)

    def browse(self, *_checked: Any) -> None:
        path = take_file_dialog_answer()
        if path:
            self.setCurrentPath(str(path))

    def addCurrentPathToHistory(self) -> None:
        self._line.addItem(self.currentPath)

    def comboBox(self) -> QComboBox:
        return self._line

    currentPath = Property(str, lambda self: self._line.currentText, setCurrentPath)
    showBrowseButton = Property(
        bool, lambda self: not self._browse.isHidden(), lambda self, on: self._browse.setVisible(on)
    )
    filters = stored("QVariant", "filters", 0)
    nameFilters = stored("QStringList", "nameFilters", [])
    label = stored(str, "label", "")
    settingKey = stored(str, "settingKey", "")
    options = stored("QVariant", "options", 0)
    showHistoryButton = stored(bool, "showHistoryButton", True)
    sizeAdjustPolicy = stored("QVariant", "sizeAdjustPolicy", 0)
    minimumContentsLength = stored(int, "minimumContentsLength", 0)


@cpp_widget
class ctkDirectoryButton(QWidget):
    """A button that shows a folder and lets the user choose another; what is chosen becomes an absolute path."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._directory = "."
        self._button = QPushButton(self._directory, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)
        self._button.clicked.connect(self.browse)

    def setDirectory(self, directory: str) -> None:
        if QDir(directory) == QDir(self._directory):
            return
        self._directory = QDir(directory).absolutePath()
        self._button.setText(self._directory)
        self.directoryChanged.emit(self._directory)

    def browse(self, *_checked: Any) -> None:
        path = take_file_dialog_answer()
        if path:
            self.setDirectory(str(path))
            self.directorySelected.emit(str(path))

    directory = Property(str, lambda self: self._directory, setDirectory)
    caption = stored(str, "caption", "")
    text = stored(str, "text", "")
    acceptMode = stored("QVariant", "acceptMode", 0)
    options = stored("QVariant", "options", 0)
