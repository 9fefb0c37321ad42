"""Progress of a job: sent sparingly, with the remaining time, and the place where a cancel takes effect."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from XRayLib.errors import CancelledError

MIN_INTERVAL_S = 0.1
"""Progress within the same stage is sent at most this often."""

_MIN_ELAPSED_S = 1.0
_MIN_FRACTION = 0.02
_SPEED_MEMORY = 0.3
"""The speed is that of the last 30 % of the time run so far: stages differ, and the first loads files."""


class RemainingTime:
    """Estimates how long a job still takes from the fractions it reported."""

    def __init__(self, start_s: float) -> None:
        self._start_s = start_s
        self._last_s, self._last_fraction = start_s, 0.0
        self._speed = math.nan

    def update(self, now_s: float, fraction: float) -> float | None:
        """Seconds left at ``now_s`` with ``fraction`` of the work done; None while it is too early to tell."""
        elapsed, step = now_s - self._start_s, now_s - self._last_s
        gained = fraction - self._last_fraction
        if step > 0 and gained > 0:
            speed = gained / step
            weight = 1.0 - math.exp(-step / (_SPEED_MEMORY * elapsed))
            self._speed = speed if math.isnan(self._speed) else (1 - weight) * self._speed + weight * speed
            self._last_s, self._last_fraction = now_s, fraction
        if elapsed < _MIN_ELAPSED_S or self._last_fraction < _MIN_FRACTION or math.isnan(self._speed):
            return None
        return max(0.0, (1.0 - self._last_fraction) / self._speed - (now_s - self._last_s))


class JobProgress:
    """The ``progress(fraction, stage)`` that a method is given.

    Raises CancelledError once ``cancelled`` is set; otherwise calls ``send(fraction, stage, remaining_s)`` when the
    stage changes and at most every ``MIN_INTERVAL_S`` within one. Fractions are limited to 0..1 and never fall.

    A session of XRayLib.runtime calls it ten times a second as ``while_running``; so a cancel reaches the library.
    """

    def __init__(
        self,
        cancelled: threading.Event,
        send: Callable[[float, str, float | None], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cancelled = cancelled
        self._send = send
        self._clock = clock
        self._remaining = RemainingTime(clock())
        self._fraction, self._stage = 0.0, ""
        self._sent_s = -math.inf

    def __call__(self, fraction: float, stage: str) -> None:
        if self._cancelled.is_set():
            raise CancelledError("The job was cancelled.")
        if math.isfinite(fraction):
            self._fraction = max(self._fraction, min(float(fraction), 1.0))
        now_s = self._clock()
        remaining_s = self._remaining.update(now_s, self._fraction)
        if stage != self._stage or now_s - self._sent_s >= MIN_INTERVAL_S:
            self._stage, self._sent_s = stage, now_s
            self._send(self._fraction, str(stage), remaining_s)
