"""pytest fixtures; Testing/conftest.py imports them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from SlicerHost import real_slicer

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def slicer_host(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Slicer without a main window and with an empty scene; recorded errors fail the test."""
    host = _host()
    if not host.is_stand_in and host.has_main_window and "slicer_main_window" not in request.fixturenames:
        pytest.skip("runs in the Slicer without main window")
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


def _host() -> Any:
    if real_slicer.is_running():
        return real_slicer.RealSlicer.get()
    for name in ("slicer", "PySide6.QtWidgets"):
        # ImportError too: Qt's libraries need some of the system's (libegl1, libxkbcommon0, libdbus-1-3).
        pytest.importorskip(name, reason=f"{name} is not installed", exc_type=ImportError)
    from SlicerHost.host import SlicerHost

    return SlicerHost.get()


@pytest.fixture
def stand_in(slicer_host: Any) -> Any:
    """The host itself, for tests of what only the stand-in has; skipped in a real Slicer."""
    if not slicer_host.is_stand_in:
        pytest.skip("about the stand-in")
    return slicer_host


@pytest.fixture
def slicer_main_window(slicer_host: Any) -> Any:
    """The same with a main window, so with a layout manager and a module selector."""
    if slicer_host.is_stand_in:
        slicer_host.show_main_window()
    elif not slicer_host.has_main_window:
        pytest.skip("runs in the Slicer with a main window")
    return slicer_host


@pytest.fixture
def load_module(slicer_host: Any) -> Callable[[str], Any]:
    """Loads a module of this extension by name: ``load_module("X2CTRecon")``."""

    def load(name: str) -> Any:
        return slicer_host.load_module(REPOSITORY / name / f"{name}.py")

    return load


@pytest.fixture(scope="module")
def headless() -> Iterator[Any]:
    """Scene, logics and views without Qt, started once per file."""
    from XRayLib.scene.headless import HeadlessSlicer

    with HeadlessSlicer() as started:
        yield started


@pytest.fixture
def session(headless: Any) -> Any:
    """The same with an empty scene."""
    headless.clear()
    return headless
