"""A client's ``poll`` on Qt's event loop, inside Slicer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

INTERVAL_MS = 50


class QtPump:
    """Calls ``poll`` every 50 ms from a QTimer, only while something is under way. Make it on the GUI thread."""

    def __init__(self) -> None:
        self._timer: Any = None
        self._poll: Callable[[], None] | None = None

    def start(self, poll: Callable[[], None]) -> None:
        """Start the timer unless it runs."""
        self._poll = poll
        if self._timer is None:
            import qt

            self._timer = qt.QTimer()
            self._timer.setInterval(INTERVAL_MS)
            self._timer.connect("timeout()", self._tick)
        self._timer.start()

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.stop()

    def _tick(self) -> None:
        time.sleep(0.001)  # Qt's loop holds Python's lock: without this the reader threads would starve
        if self._poll is not None:
            self._poll()
