"""The pump on Qt's event loop, with a timer that the test turns."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from XRayLib.jobs.qt_pump import INTERVAL_MS, QtPump


class Timer:
    made: list[Timer]

    def __init__(self) -> None:
        self.running, self.interval_ms, self.slot = False, None, None
        self.made.append(self)

    def setInterval(self, interval_ms: int) -> None:
        self.interval_ms = interval_ms

    def connect(self, signal: str, slot: Any) -> None:
        assert signal == "timeout()"
        self.slot = slot

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


@pytest.fixture
def qt(monkeypatch: pytest.MonkeyPatch) -> type[Timer]:
    module = ModuleType("qt")
    module.QTimer = Timer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "qt", module)
    Timer.made = []
    return Timer


def test_the_timer_runs_only_while_something_is_under_way(qt: type[Timer]) -> None:
    polls: list[int] = []
    pump = QtPump()
    assert qt.made == []
    pump.start(lambda: polls.append(1))
    pump.start(lambda: polls.append(2))
    (timer,) = qt.made
    assert timer.interval_ms == INTERVAL_MS
    timer.slot()  # type: ignore[misc]
    assert polls == [2]
    assert timer.running
    pump.stop()
    assert not timer.running


def test_stopping_before_starting_is_harmless(qt: type[Timer]) -> None:
    QtPump().stop()
    assert qt.made == []
