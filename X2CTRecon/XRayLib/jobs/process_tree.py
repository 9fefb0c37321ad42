"""Process trees: is one alive, and end one with everything it started."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from typing import Any

logger = logging.getLogger(__name__)


def is_alive(pid: int) -> bool:
    """Whether a process of that id exists."""
    if sys.platform == "win32":
        from XRayLib.jobs.windows_job import process_exists

        return process_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads its own group or session, and all its descendants, at once; then reap it.

    psutil, when installed, also finds descendants that left the group.
    """
    descendants = _descendants(process.pid)
    if sys.platform == "win32":
        command = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
    for descendant in descendants:
        _kill(descendant)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        logger.warning("The worker process %d cannot be ended; the system holds it.", process.pid)


def _descendants(pid: int) -> list[Any]:
    try:
        import psutil
    except ImportError:
        return []
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill(process: Any) -> None:
    import psutil

    try:
        process.kill()  # psutil compares start times, so a reused process id is safe
    except psutil.Error:
        return
