"""A tiny process beside the worker that outlives neither it nor the client, and leaves no process of the tree behind.

The worker itself may hang in native code when Slicer dies, or die with children of its own running; neither can be
handled from within. On Windows the client's job object (windows_job.py) does the same.
"""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import Any

from XRayLib.jobs.job_folders import remove_root
from XRayLib.jobs.process_tree import is_alive

_FAREWELL = b"x"
_GRACE_S = 2.5
"""What a worker gets to end by itself after its client has gone."""
_DESCRIPTORS = 256
"""More than a worker has open at its start."""
_LAUNCHER_GRACE_S = 0.5
"""What a launcher around the worker (PythonSlicer) gets to report how the worker died."""


class Guardian:
    """The worker's hold on its guardian; ``dismiss`` before an orderly exit."""

    def __init__(self, lifeline: int | None) -> None:
        self._lifeline = lifeline

    def dismiss(self) -> None:
        """The worker ends in order: nothing is to be killed."""
        if self._lifeline is not None:
            os.write(self._lifeline, _FAREWELL)


def start_guardian(requests: int, client_pid: int, folder: Path | None) -> Guardian:
    """Fork the guardian; call it while the worker has one thread and few modules.

    ``requests`` is the descriptor on which the client's requests arrive; its hang-up, or the end of ``client_pid``,
    tells that the client has gone. Then the guardian kills the process group and removes ``folder``. When the worker
    dies it kills what is left of the group.
    """
    if not hasattr(os, "fork"):
        return Guardian(None)
    worker_end, guardian_end = os.pipe()[::-1]
    if os.fork():
        os.close(guardian_end)
        return Guardian(worker_end)
    try:
        _forget_all_but(requests, guardian_end)
        _guard(requests, guardian_end, client_pid, folder)
    finally:
        os._exit(0)


def _guard(requests: int, lifeline: int, client_pid: int, folder: Path | None) -> None:
    poll = select.poll()
    poll.register(requests, 0)  # hang-up is reported even when nothing is asked for, and no data is taken
    poll.register(lifeline, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll(1000)]
        if lifeline in ready:
            _when_worker_ended(lifeline)
            return
        if requests in ready or not is_alive(client_pid):
            poll.unregister(requests)
            _when_client_ended(poll, lifeline, folder)
            return


def _when_worker_ended(lifeline: int) -> None:
    if os.read(lifeline, 1) != _FAREWELL:
        time.sleep(_LAUNCHER_GRACE_S)
        _end_group(None)


def _when_client_ended(poll: Any, lifeline: int, folder: Path | None) -> None:
    if poll.poll(_GRACE_S * 1000) and os.read(lifeline, 1) == _FAREWELL:
        return
    _end_group(folder)


def _end_group(folder: Path | None) -> None:
    if folder is not None:
        remove_root(folder)
    group = os.getpgid(0)
    if group == os.getsid(0):  # as the client starts it; a worker started by hand shares its shell's session
        os.killpg(group, signal.SIGKILL)


def _forget_all_but(*kept: int) -> None:
    """Close everything inherited, so that no pipe stays open because of the guardian."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    first = 3
    for descriptor in (*sorted(kept), _DESCRIPTORS):
        os.closerange(first, descriptor)
        first = descriptor + 1
