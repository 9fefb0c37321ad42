"""The stand-in Slicer: one per process, as there is one Slicer per process."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

from XRayLib.scene.headless import HeadlessSlicer
from XRayLib.scene.headless_application import HeadlessModule
from XRayLib.scene.offscreen_view import DEFAULT_SIZE_PX

from .ctk_widgets import create_ctk_module
from .qmrml_widgets import add_qmrml_widgets
from .qt_adapter import create_qt_module
from .qt_adapter.connections import disconnect_all
from .qt_adapter.new_attributes import forbidden_attributes
from .qt_adapter.small_differences import file_dialog_answers
from .recorded_errors import RecordedErrors

HERE = Path(__file__).resolve().parent


class SlicerHost:
    """Slicer's scene, logics and views, its application object, its Python modules, and the modules under test."""

    is_stand_in = True
    _instance: SlicerHost | None = None

    def __init__(self) -> None:
        self.errors = RecordedErrors()
        self.session = HeadlessSlicer()
        self.slicer = self.session.slicer
        self.qt = create_qt_module()
        self.ctk = create_ctk_module()
        add_qmrml_widgets(self.slicer)
        self._create_application()
        self._add_python_modules()
        self.file_dialog_answers = file_dialog_answers

    @classmethod
    def get(cls) -> SlicerHost:
        """The host of this process, started when it is first asked for."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    def _create_application(self) -> None:
        from .application import scripted_module
        from .application.slicer_application import SlicerApplication

        slicer = self.slicer
        slicer.qSlicerScriptedLoadableModule = scripted_module.qSlicerScriptedLoadableModule
        slicer.qSlicerScriptedLoadableModuleWidget = scripted_module.qSlicerScriptedLoadableModuleWidget
        self.application = SlicerApplication(self.session)
        slicer.app = self.application
        slicer.moduleNames = types.ModuleType("slicer.moduleNames")
        for name in self.session.logics:
            setattr(slicer.moduleNames, name, name)

    def _add_python_modules(self) -> None:
        self.slicer.__path__.append(str(HERE / "slicer_namespace"))
        for name in ("i18n", "testing", "packaging", "ScriptedLoadableModule", "parameterNodeWrapper"):
            __import__("slicer." + name)
        sys.path.append(str(HERE / "top_level"))

    def publish(self) -> None:
        """Be the ``slicer`` of this process again, after another session of the same process was."""
        slicer, session = self.slicer, self.session
        slicer.mrmlScene = session.scene
        slicer.app = self.application
        for name, logic in session.logics.items():
            setattr(slicer.modules, name.lower(), HeadlessModule(name, logic))
        for factory in (
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
            slicer.vtkMRMLSliceViewDisplayableManagerFactory,
        ):
            factory.GetInstance().SetMRMLApplicationLogic(session.application_logic)

    # What tests do

    def load_module(self, path: str | Path) -> Any:
        """Load a scripted module from its .py file; returns the module object (``.widgetRepresentation()`` ...)."""
        return self.application.moduleManager().load_scripted(Path(path).resolve())

    def finish_startup(self) -> None:
        """Emit ``startupCompleted``, at which modules register their sample data."""
        self.application.startupCompleted.emit()
        self.process_events()

    def open_module(self, name: str) -> Any:
        """What a click on the module does: build its panel if need be, enter it; returns the Python widget."""
        self.application.moduleManager().select(name)
        self.process_events()
        return self.slicer.util.getModuleWidget(name)

    def leave_module(self) -> None:
        """Go to no module."""
        self.application.moduleManager().select("")
        self.process_events()

    def show_main_window(self) -> None:
        """From now on there is a main window, and with it a layout manager."""
        from .application.main_window import MainWindow

        if self.application._main_window is None:
            self.application._main_window = MainWindow()

    def close_main_window(self) -> None:
        """Back to Slicer without a main window."""
        window, self.application._main_window = self.application._main_window, None
        if window is not None:
            window._area.takeWidget()
            window.deleteLater()
            self._delete_closed_widgets()

    def _delete_closed_widgets(self) -> None:
        """What ``deleteLater`` leaves to the next turn of the event loop."""
        self.process_events()
        self.application.sendPostedEvents(None, self.qt.QEvent.DeferredDelete.value)

    def process_events(self) -> None:
        """Deliver everything that is queued in the event loop."""
        self.application.sendPostedEvents()
        self.application.processEvents()

    def wait_until(self, condition: Any, timeout_s: float = 240.0) -> None:
        """Run the event loop until ``condition()`` holds; AssertionError after ``timeout_s``, long enough for a
        busy computer."""
        import time

        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout_s} s in vain")
            self.process_events()
            time.sleep(0.005)

    def panel_image(self, widget: Any, size_px: tuple[int, int] | None = None) -> Any:
        """The picture of a panel (module widget or any QWidget), uint8 (rows, columns, 3)."""
        import numpy as np

        widget = widget if hasattr(widget, "grab") else widget.parent
        if widget.window() is self.application._main_window:
            # In the window's scroll area the panel has the window's size.
            widget.setParent(None)
        # Layouts settle only in widgets that are shown.
        widget.show()
        self.process_events()
        if size_px is not None:
            # Slicer's module panel is a scroll area: it gives wrapping texts the height they need, never less.
            columns = max(size_px[0], widget.minimumSizeHint.width())
            widget.resize(columns, max(size_px[1], widget.heightForWidth(columns)))
        self.process_events()
        image = widget.grab().toImage().convertToFormat(self.qt.QImage.Format_RGB888)
        rows, columns = image.height(), image.width()
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(rows, image.bytesPerLine())
        return pixels[:, : columns * 3].reshape(rows, columns, 3).copy()

    def render_view(self, name: str, size_px: tuple[int, int] | None = None) -> Any:
        """The picture of a view: threeD, Red, Yellow, Green or a film's view."""
        return self.session.render_view(name, size_px)

    def frame_three_d(self, direction: str = "anterior") -> None:
        """Look at everything visible in the 3D view from a side of the patient."""
        self.session.three_d_view().frame(direction)

    def take_logged_errors(self) -> list[str]:
        """The stand-in has no error log."""
        return []

    # Between tests

    def reset(self) -> None:
        """Unload modules, close the main window, empty the scene, size the views as at first, forget settings and
        answers."""
        from slicer import packaging

        for text in forbidden_attributes(self.application.allWidgets()):
            self.errors.add(text)
        self.application.moduleManager().unload_all()
        disconnect_all(self.application, "startupCompleted()")
        self.close_main_window()
        self._delete_closed_widgets()
        self.session.clear()
        for view in self.session.layout_manager.views():
            view.resize(DEFAULT_SIZE_PX)
        for node in self.slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
            self.session.scene.RemoveNode(node)
        self.application.settings().clear()
        self.file_dialog_answers.clear()
        packaging.requests.__init__()  # type: ignore[misc]
        for attribute in ("sampleDataSources", "dicomPlugins"):
            if hasattr(self.slicer.modules, attribute):
                delattr(self.slicer.modules, attribute)
