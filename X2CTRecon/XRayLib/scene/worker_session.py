"""Slicer's side of the worker: a client on Qt's event loop for a panel, and one that waits, for scripts."""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from typing import Any

from XRayLib.errors import CancelledError
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.settings import WorkerSettings


def gui_client() -> WorkerClient:
    """A client that Qt's event loop polls. Its worker starts with the first job and ends when Slicer quits."""
    import slicer

    from XRayLib.jobs.qt_pump import QtPump

    settings = WorkerSettings(temporary_folder=Path(slicer.app.temporaryPath))
    client = WorkerClient(QtPump(), settings)
    slicer.app.connect("aboutToQuit()", client.close)
    return client


@cache
def blocking_client() -> WorkerClient:
    """The client of scripts and of the logic classes: every call waits. One worker, kept until the program ends."""
    client = WorkerClient()
    atexit.register(client.close)
    return client


def finished(job: Any) -> Any:
    """Wait for a job of ``blocking_client`` and return its value; raises what XRayLib.errors has for its failure."""
    blocking_client().wait(job)
    if job.failure is not None:
        raise job.failure.exception()
    if job.stale:
        raise CancelledError("The job was dropped.")
    return job.value
