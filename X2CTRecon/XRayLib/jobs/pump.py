"""What calls a client's ``poll`` regularly: an event loop in a GUI, the caller itself elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class EventPump(Protocol):
    """Calls ``poll`` on the thread that owns the client, from ``start`` until ``stop``; both may be repeated."""

    def start(self, poll: Callable[[], None]) -> None:
        """Begin, or go on, to call ``poll`` about every 50 ms."""

    def stop(self) -> None:
        """Nothing is under way: stop calling."""


class BlockingPump:
    """For programs without an event loop: nothing is called; :meth:`WorkerClient.wait` polls until a job has ended."""

    def start(self, poll: Callable[[], None]) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""
