"""``slicer.app`` and ``slicer.modules`` for code that expects them, as far as they can be had without Qt."""

from __future__ import annotations

import types
from typing import Any

from XRayLib.scene.headless_layout import HeadlessLayoutManager


class HeadlessApplication:
    """The part of qSlicerApplication that needs no event loop."""

    def __init__(self, application_logic: Any, layout_manager: HeadlessLayoutManager, scene: Any) -> None:
        self._application_logic = application_logic
        self._layout_manager = layout_manager
        self._scene = scene

    def applicationLogic(self) -> Any:
        return self._application_logic

    def layoutManager(self) -> HeadlessLayoutManager:
        return self._layout_manager

    def mrmlScene(self) -> Any:
        return self._scene

    def processEvents(self) -> None:
        """Nothing is queued without an event loop."""


class HeadlessModule:
    """A module of Slicer reduced to its logic."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


def refuse_inside_slicer(slicer: Any) -> None:
    """Raise RuntimeError in Slicer's application, whose own scene must not be replaced."""
    if type(getattr(slicer, "app", None)).__name__ == "qSlicerApplication":
        raise RuntimeError("Slicer is running: use slicer.mrmlScene and slicer.app instead of a headless scene.")


def publish(slicer: Any, application: HeadlessApplication, logics: dict[str, Any]) -> None:
    """Set ``slicer.mrmlScene``, ``slicer.app`` and ``slicer.modules.<name>`` (lower case)."""
    slicer.mrmlScene = application.mrmlScene()
    slicer.app = application
    if not isinstance(getattr(slicer, "modules", None), types.ModuleType):
        slicer.modules = types.ModuleType("slicer.modules")
    for name, logic in logics.items():
        setattr(slicer.modules, name.lower(), HeadlessModule(name, logic))
