"""``slicer.app``."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QApplication

from .io_manager import IoManager
from .layout_manager import LayoutManager
from .module_manager import ModuleManager


class CommandOptions(QObject):
    """``slicer.app.commandOptions()``."""

    def __init__(self, main_window: bool) -> None:
        super().__init__()
        self._main_window = main_window

    @property
    def noMainWindow(self) -> bool:
        return not self._main_window

    @property
    def testingEnabled(self) -> bool:
        return True


class SlicerApplication(QApplication):
    """qSlicerApplication in testing mode, as far as modules use it."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)

    majorVersion = 5
    minorVersion = 12
    revision = "0"
    releaseType = "Stable"
    os = "linux"
    arch = "amd64"
    platform = "linux-amd64"
    documentationBaseUrl = "https://slicer.readthedocs.io/en/latest/"
    mainApplicationName = "Slicer"

    def __init__(self, session: Any) -> None:
        super().__init__(["SlicerHost"])
        self.setApplicationName("Slicer")
        self.setOrganizationName("SlicerHost")
        self._session = session
        self._folder = Path(tempfile.mkdtemp(prefix="slicer_host_"))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        QSettings.setDefaultFormat(QSettings.IniFormat)
        QSettings.setPath(QSettings.IniFormat, QSettings.UserScope, str(self._folder / "settings"))
        self._module_manager = ModuleManager()
        self._layout_manager = LayoutManager(session.layout_manager)
        self._io_manager = IoManager(session)
        self._main_window: Any = None

    # Scene and views

    def mrmlScene(self) -> Any:
        return self._session.scene

    def applicationLogic(self) -> Any:
        return self._session.application_logic

    def layoutManager(self) -> LayoutManager | None:
        """None without a main window, as in Slicer."""
        return None if self._main_window is None else self._layout_manager

    def pauseRender(self) -> None:
        """Views draw when a picture is asked for."""

    def resumeRender(self) -> None:
        """Views draw when a picture is asked for."""

    def isRenderPaused(self) -> bool:
        return False

    # Modules, files, settings

    def moduleManager(self) -> ModuleManager:
        return self._module_manager

    def coreIOManager(self) -> IoManager:
        return self._io_manager

    def ioManager(self) -> IoManager:
        return self._io_manager

    def settings(self) -> QSettings:
        return QSettings()

    userSettings = settings
    revisionUserSettings = settings

    @property
    def temporaryPath(self) -> str:
        return self._made("temporary")

    @property
    def cachePath(self) -> str:
        return self._made("cache")

    @property
    def slicerHome(self) -> str:
        return self._made("home")

    @property
    def defaultScenePath(self) -> str:
        return self._made("scenes")

    extensionsInstallPath = slicerHome
    slicerUserSettingsFilePath = slicerHome

    def _made(self, name: str) -> str:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return str(folder)

    # Texts and mode

    def translate(self, _context: str, text: str, *_rest: Any) -> str:
        return text

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.documentationBaseUrl}user_guide/modules/{name.lower()}.html"

    def testingEnabled(self) -> bool:
        return True

    def commandOptions(self) -> CommandOptions:
        return CommandOptions(self._main_window is not None)

    def startupEnvironment(self) -> dict[str, str]:
        import os

        return dict(os.environ)

    def applicationVersion(self) -> str:
        return f"{self.majorVersion}.{self.minorVersion}.0"
