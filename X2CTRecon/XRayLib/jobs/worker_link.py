"""One worker from its start to its end: the handshake, its log, and how messages reach it."""

from __future__ import annotations

import logging
import re
import time
from typing import Protocol

from XRayLib import __version__
from XRayLib.jobs.failure import WORKER_UNAVAILABLE, JobFailure, exit_meaning
from XRayLib.jobs.protocol import PROTOCOL_VERSION, Message

logger = logging.getLogger(__name__)

LONGEST_ERROR = 200
"""Characters of an exception that are told in a sentence; all of it is in the diagnostics."""


class Transport(Protocol):
    """How messages reach a worker. ChildProcess is the one for this computer; see there for what each member means."""

    @property
    def ended(self) -> bool: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def stderr_tail(self) -> str: ...
    def send(self, message: Message) -> None: ...
    def next_message(self, timeout_s: float = 0.0) -> Message | None: ...
    def kill(self) -> None: ...
    def close(self, timeout_s: float = 1.0) -> None: ...


class WorkerUnavailableError(Exception):
    """No worker can be had; ``failure`` says why."""

    def __init__(self, message: str, hint: str = "Copy the diagnostics and report them.", detail: str = "") -> None:
        super().__init__(message)
        self.failure = JobFailure(WORKER_UNAVAILABLE, message, hint, detail)


class WorkerLink:
    """A transport with its handshake."""

    def __init__(self, transport: Transport, start_timeout_s: float) -> None:
        self.transport = transport
        self.hello: Message = {}
        """What the worker said of itself; empty until it has greeted."""
        self._deadline_s = time.monotonic() + start_timeout_s

    def next_event(self, timeout_s: float = 0.0) -> Message | None:
        """The next event that concerns a job, None when there is none in time.

        Raises
        ------
        WorkerUnavailableError
            When the worker ended or kept silent instead of greeting, or is of another version.
        """
        while (message := self.transport.next_message(timeout_s)) is not None:
            timeout_s = 0.0
            if message.get("event") == "hello":
                self._greet(message)
            elif message.get("event") == "log":
                _log(message)
            else:
                return message
        if not self.hello:
            self._check_start()
        return None

    def _greet(self, hello: Message) -> None:
        if (hello.get("protocol"), hello.get("version")) != (PROTOCOL_VERSION, __version__):
            raise WorkerUnavailableError(
                f"The computing process is of version {hello.get('version')}, this program of {__version__}.",
                "Restart the program; if that does not help, reinstall it.",
            )
        self.hello = hello

    def _check_start(self) -> None:
        tail = self.transport.stderr_tail
        if self.transport.ended:
            meaning = exit_meaning(self.transport.exit_code)
            raise WorkerUnavailableError(
                f"The computing process ended at its start ({meaning}){_last_error(tail)}.", detail=tail
            )
        if time.monotonic() > self._deadline_s:
            raise WorkerUnavailableError("The computing process does not answer after its start.", detail=tail)


def _last_error(stderr_tail: str) -> str:
    """The exception that ended Python, as the end of a sentence; empty when it was none."""
    last = stderr_tail.strip().rpartition("\n")[2].rstrip(".")
    is_exception = re.match(r"[\w.]*(Error|Exception|Exit)\b", last)
    return f": {last[:LONGEST_ERROR]}" if is_exception else ""


def _log(message: Message) -> None:
    level = logging.getLevelName(str(message.get("level", "INFO")))
    logger.log(level if isinstance(level, int) else logging.INFO, "Worker: %s", message.get("message"))
