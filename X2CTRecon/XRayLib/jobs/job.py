"""One piece of work the client was given: what to send, what to make of the answer, whom to tell."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from XRayLib.jobs.failure import JobFailure


class JobState(enum.Enum):
    """Where a job stands. Only DONE, FAILED and CANCELLED were told to its callbacks."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """A newer job of the same channel took its place before it started."""
    DROPPED = "dropped"
    """Its scene was closed: whatever came of it was thrown away."""


_FINAL = {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.SUPERSEDED, JobState.DROPPED}


def _ignore(*_: Any) -> None:
    """No one listens."""


def _nothing_to_write(_folder: Path) -> None:
    """The request has no arrays."""


def _value_alone(_folder: Path, value: Any) -> Any:
    """The answer is JSON."""
    return value


@dataclass(eq=False)
class Job:
    """A request to the worker. Callbacks run on the thread that polls the client.

    ``on_progress(fraction, stage, remaining_s)``, remaining seconds or None; ``on_result(value)``;
    ``on_error(JobFailure)``, whose code is "cancelled" after a cancel. Exactly one of the latter two is called, unless
    the job was superseded or dropped.
    """

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    on_progress: Callable[[float, str, float | None], None] = _ignore
    on_result: Callable[[Any], None] = _ignore
    on_error: Callable[[JobFailure], None] = _ignore
    write: Callable[[Path], None] = _nothing_to_write
    """Puts the request's arrays into the job's folder, just before the request is sent."""
    read: Callable[[Path, Any], Any] = _value_alone
    """Makes ``value`` of the result event and the job's folder, before the folder is removed."""
    channel: str = ""
    """A job waiting in the same, not empty, channel is superseded by this one."""
    device: str = "auto"
    id: str = ""
    """Given by the client it is submitted to."""
    state: JobState = JobState.QUEUED
    value: Any = None
    failure: JobFailure | None = None
    folder: Path | None = None
    worker: int = 0
    """Number of the worker it was sent to, counted from 1."""
    stale: bool = False
    """Nobody is to hear of it any more."""
    stage: str = ""
    """The last stage it reported."""

    @property
    def finished(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in _FINAL

    def end(self, state: JobState, value: Any = None, failure: JobFailure | None = None) -> None:
        """Take the final state, and tell the callbacks unless the job is stale."""
        if self.stale:
            self.state = JobState.DROPPED
            return
        self.state, self.value, self.failure = state, value, failure
        if failure is None:
            self.on_result(value)
        else:
            self.on_error(failure)
