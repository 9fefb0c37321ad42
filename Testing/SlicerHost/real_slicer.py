"""The same interface on a real Slicer, for tests that pytest runs inside it (see run_in_slicer.py)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .recorded_errors import RecordedErrors


def is_running() -> bool:
    """Whether this Python lives in Slicer's application."""
    slicer = sys.modules.get("slicer")
    return slicer is not None and type(getattr(slicer, "app", None)).__name__ == "qSlicerApplication"


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
        self.session = SimpleNamespace(scene=slicer.mrmlScene, slicer=slicer)
        self._entered: Any = None

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
        """Nothing else can be the ``slicer`` of this process."""

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
        """Enter a module and return its Python widget."""
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

    def wait_until(self, condition: Any, timeout_s: float = 10.0) -> None:
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
        """The picture of a view of the current layout, in the size the layout gives it."""
        del size_px
        manager = self.application.layoutManager()
        widget = manager.threeDWidget(0).threeDView() if name.startswith("threeD") else manager.sliceWidget(name)
        view = widget if name.startswith("threeD") else widget.sliceView()
        view.forceRender()
        self.process_events()
        return self._pixels(view.grab())

    def reset(self) -> None:
        """Leave the module and empty the scene."""
        self.leave_module()
        self.slicer.mrmlScene.Clear(0)
        for node in list(self.slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")):
            self.slicer.mrmlScene.RemoveNode(node)
        self.process_events()
