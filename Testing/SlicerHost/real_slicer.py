"""The same interface on a real Slicer, for tests that pytest runs inside it (see run_in_slicer.py)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from .recorded_errors import RecordedErrors

SETTINGS_GROUP = "XRay3D"
ERROR_LEVELS = ("Error", "Critical", "Fatal")
"""Those that show the user the red icon."""
ERROR_ORIGINS = ("VTK", "ITK", "Qt")
"""Python's are told by ``slicer.util.errorDisplay``, or caught as exceptions."""
SLICERS_OWN = ("GetSliceOrientationPreset: invalid orientation preset name: Reformat",)
"""What Slicer reports of itself: the orientation list above a slice view asks for it when the view becomes oblique."""
LEVEL_COLUMN, ORIGIN_COLUMN = 2, 3
"""Of the error log."""


def is_running() -> bool:
    """Whether this Python lives in Slicer's application."""
    slicer = sys.modules.get("slicer")
    return slicer is not None and type(getattr(slicer, "app", None)).__name__ == "qSlicerApplication"


class RealSession:
    """What tests do with ``host.session``: the scene, saved and loaded as the user does."""

    def __init__(self, slicer: Any) -> None:
        self.slicer = slicer
        self.scene = slicer.mrmlScene

    def save_scene(self, path: str | Path) -> None:
        """Save everything into one file."""
        if not self.slicer.util.saveScene(str(path)):
            raise AssertionError(f"the scene could not be saved to {path}")

    def load_scene(self, path: str | Path) -> None:
        """Replace the scene by a saved one."""
        self.slicer.util.loadScene(str(path))

    def clear(self) -> None:
        """Close the scene."""
        self.scene.Clear(0)


class RealSlicer:
    """What tests do with ``slicer_host``, done with the application itself."""

    is_stand_in = False
    _instance: RealSlicer | None = None

    def __init__(self) -> None:
        import qt
        import slicer

        self.errors = RecordedErrors()
        self.slicer, self.qt = slicer, qt
        self.application = slicer.app
        self.session = RealSession(slicer)
        self.file_dialog_answers: list[Any] = []
        self._entered: Any = None
        self._opened: set[str] = set()
        self._log_read = 0
        for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory"):
            setattr(qt.QFileDialog, name, staticmethod(self._take_file_dialog_answer))

    @classmethod
    def get(cls) -> RealSlicer:
        """The one Slicer of this process."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    @property
    def has_main_window(self) -> bool:
        return self.slicer.util.mainWindow() is not None

    def publish(self) -> None:
        """Nothing else can be the ``slicer`` of this process; what is in the error log is of tests before."""
        self._log_read = self.application.errorLogModel().logEntryCount()

    def load_module(self, path: str | Path) -> Any:
        """A module that is loaded stays loaded; Slicer cannot unload one."""
        path = Path(path).resolve()
        manager = self.application.moduleManager()
        if not hasattr(self.slicer.modules, path.stem.lower()):
            factory = manager.factoryManager()
            factory.registerModule(self.qt.QFileInfo(str(path)))
            if not factory.loadModules([path.stem]):
                raise RuntimeError(f"module {path} could not be loaded")
        return getattr(self.slicer.modules, path.stem.lower())

    def finish_startup(self) -> None:
        """Start-up is over; modules loaded since then did not hear of it."""

    def open_module(self, name: str) -> Any:
        """Enter a module and return its Python widget, which is a new one in each test."""
        if name not in self._opened and hasattr(self.slicer.modules, f"{name}Widget"):
            self.slicer.util.reloadScriptedModule(name)
        self._opened.add(name)
        if self.has_main_window:
            self.slicer.util.selectModule(name)
        else:
            self.leave_module()
            self._entered = getattr(self.slicer.modules, name.lower()).widgetRepresentation()
            self._entered.enter()
        self.process_events()
        return self.slicer.util.getModuleWidget(name)

    def leave_module(self) -> None:
        """Leave the module that was entered."""
        if self.has_main_window:
            self.slicer.util.selectModule("Data")
        elif self._entered is not None:
            self._entered.exit()
            self._entered = None
        self.process_events()

    def process_events(self) -> None:
        """Deliver what is queued."""
        self.application.processEvents()

    def wait_until(self, condition: Any, timeout_s: float = 240.0) -> None:
        """Run the event loop until ``condition()`` holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout_s} s in vain")
            self.process_events()
            time.sleep(0.005)

    def panel_image(self, widget: Any, size_px: tuple[int, int] | None = None) -> Any:
        """The picture of a panel, uint8 (rows, columns, 3)."""
        widget = widget if hasattr(widget, "grab") else widget.parent
        if size_px is not None:
            widget.resize(*size_px)
        self.process_events()
        return self._pixels(widget.grab())

    def _pixels(self, pixmap: Any) -> Any:
        import numpy as np
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        image = vtk.vtkImageData()
        self.slicer.qMRMLUtils().qImageToVtkImageData(pixmap.toImage(), image)
        columns, rows, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])

    def render_view(self, name: str, size_px: tuple[int, int] | None = None) -> Any:
        """The picture of a view of the current layout, brought from the size the layout gives it to ``size_px``."""
        manager = self.application.layoutManager()
        widget = manager.threeDWidget(0).threeDView() if name.startswith("threeD") else manager.sliceWidget(name)
        view = widget if name.startswith("threeD") else widget.sliceView()
        view.forceRender()
        self.process_events()
        picture = view.grab()
        return self._pixels(picture if size_px is None else picture.scaled(*size_px))

    def frame_three_d(self, direction: str = "anterior") -> None:
        """Look at everything visible in the 3D view from a side of the patient."""
        view = self.application.layoutManager().threeDWidget(0).threeDView()
        camera = self.slicer.modules.cameras.logic().GetViewActiveCameraNode(view.mrmlViewNode())
        camera.RotateTo(getattr(self.slicer.vtkMRMLCameraNode, direction.capitalize()))
        view.renderWindow().GetRenderers().GetFirstRenderer().ResetCamera()

    def _take_file_dialog_answer(self, *_arguments: Any) -> Any:
        if not self.file_dialog_answers:
            raise AssertionError("a file dialog was opened: put its answer into host.file_dialog_answers first")
        return self.file_dialog_answers.pop(0)

    def reset(self) -> None:
        """Leave the module, empty the scene, size the views as their widgets are, forget settings and answers."""
        self.leave_module()
        for text in self.take_logged_errors():
            self.errors.add(text)
        self._opened.clear()
        self.file_dialog_answers.clear()
        self.application.settings().remove(SETTINGS_GROUP)
        self.slicer.mrmlScene.Clear(0)
        for node in list(self.slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")):
            self.slicer.mrmlScene.RemoveNode(node)
        self.process_events()
        self._size_slice_nodes()

    def take_logged_errors(self) -> list[str]:
        """What VTK, ITK and Qt have logged as errors since the test began; forgets them, for tests that expect one."""
        self.process_events()  # the log is written in the background
        log, found = self.application.errorLogModel(), []
        for row in range(self._log_read, log.logEntryCount()):
            level, origin = (log.data(log.index(row, column)) for column in (LEVEL_COLUMN, ORIGIN_COLUMN))
            text = log.logEntryDescription(row)
            if level in ERROR_LEVELS and origin in ERROR_ORIGINS and not any(own in text for own in SLICERS_OWN):
                found.append(text)
        self._log_read = log.logEntryCount()
        return found

    def _size_slice_nodes(self) -> None:
        """A test that changes a slice node's size does not change the widget's."""
        manager = self.application.layoutManager()
        for name in () if manager is None else manager.sliceViewNames():
            widget = manager.sliceWidget(name)
            size = widget.sliceView().size
            widget.sliceLogic().ResizeSliceNode(size.width(), size.height())
