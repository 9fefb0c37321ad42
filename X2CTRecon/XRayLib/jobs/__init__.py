"""Long work in a child process: its protocol, the worker, and the client for GUI, command line, batch and tests.

    from XRayLib.jobs import run_blocking
    result = run_blocking("x2ct-cnn", case, Options(device="cpu"), progress=lambda fraction, stage: None)

A GUI keeps one :class:`XRayLib.jobs.client.WorkerClient`. Nothing is imported here, so that the worker starts fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from XRayLib.jobs.blocking import run_blocking
    from XRayLib.jobs.client import WorkerClient, WorkerState
    from XRayLib.jobs.failure import JobFailure
    from XRayLib.jobs.settings import WorkerSettings

__all__ = ["JobFailure", "WorkerClient", "WorkerSettings", "WorkerState", "run_blocking"]

_HOMES = {
    "JobFailure": "failure",
    "WorkerClient": "client",
    "WorkerSettings": "settings",
    "WorkerState": "client",
    "run_blocking": "blocking",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
