"""pytest fixtures; Testing/conftest.py imports them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def slicer_host() -> Iterator[Any]:
    """Slicer without a main window and with an empty scene; recorded errors fail the test."""
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    pytest.importorskip("PySide6", reason="PySide6 is not installed")
    from SlicerHost.host import SlicerHost

    host = SlicerHost.get()
    host.publish()
    host.errors.install()
    host.errors.take()
    try:
        yield host
        host.process_events()
        host.reset()
    finally:
        host.errors.remove()
    errors = host.errors.take()
    if errors:
        pytest.fail("Slicer would have reported errors:\n" + "\n".join(errors), pytrace=False)


@pytest.fixture
def slicer_main_window(slicer_host: Any) -> Any:
    """The same with a main window, so with a layout manager and a module selector."""
    slicer_host.show_main_window()
    return slicer_host


@pytest.fixture
def load_module(slicer_host: Any) -> Callable[[str], Any]:
    """Loads a module of this extension by name: ``load_module("X2CTRecon")``."""

    def load(name: str) -> Any:
        return slicer_host.load_module(REPOSITORY / name / f"{name}.py")

    return load
