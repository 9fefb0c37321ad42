"""The worker as a child process: bytes in and out, the last lines of its standard error, and its certain end."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

from XRayLib.jobs.interpreter import find_python, worker_environment
from XRayLib.jobs.process_tree import kill_tree
from XRayLib.jobs.protocol import LineDecoder, Message, encode
from XRayLib.jobs.settings import WorkerSettings

logger = logging.getLogger(__name__)

LAST_WORDS_S = 0.5
"""How long the end of the worker's output waits for the rest of its error stream."""

_TAIL_BYTES = 32 << 10


class StderrTail:
    """The last 32 KiB a process wrote to its standard error."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._length = 0
        self._lock = threading.Lock()

    def add(self, piece: bytes) -> None:
        """Append, dropping the oldest."""
        with self._lock:
            self._pieces.append(piece)
            self._length += len(piece)
            while self._length - len(self._pieces[0]) >= _TAIL_BYTES:
                self._length -= len(self._pieces.popleft())

    def text(self) -> str:
        """What is kept, undecodable bytes replaced."""
        with self._lock:
            return b"".join(self._pieces)[-_TAIL_BYTES:].decode("utf-8", "replace")


class ChildProcess:
    """One running worker. Reader threads fill a queue; nothing here calls back."""

    def __init__(self, settings: WorkerSettings, folder: Path) -> None:
        """Start it, with ``folder`` as its private working folder. OSError when the system cannot."""
        command = [str(find_python(settings)), "-u", "-m", "XRayLib.jobs.worker"]
        command += ["--client-pid", str(os.getpid()), "--folder", str(folder)]
        if settings.memory_limit_bytes:
            command += ["--memory-limit", str(settings.memory_limit_bytes)]
        self._tail = StderrTail()
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._output_ended = False
        self._errors_ended = threading.Event()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=folder,
            env=worker_environment(settings),
            **_own_group(),
        )
        self._windows_job = _windows_job(self._process, settings.memory_limit_bytes)
        for read in (self._read_events, self._read_errors):
            threading.Thread(target=read, name=f"xray3d {read.__name__}", daemon=True).start()

    def send(self, message: Message) -> None:
        """Write one message; OSError when the worker has gone."""
        data = memoryview(encode(message))
        assert self._process.stdin is not None
        while data:
            data = data[self._process.stdin.write(data) :]

    def next_message(self, timeout_s: float = 0.0) -> Message | None:
        """The next message from the worker, None when none comes in time."""
        try:
            message = self._messages.get(timeout=timeout_s) if timeout_s > 0 else self._messages.get_nowait()
        except queue.Empty:
            return None
        if message is None:
            self._output_ended = True
        return message

    @property
    def ended(self) -> bool:
        """Whether the process has gone and all it sent was taken."""
        return self._output_ended and self._process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.poll()

    @property
    def stderr_tail(self) -> str:
        """The last lines on its standard error."""
        return self._tail.text()

    def kill(self) -> None:
        """End the whole process tree now."""
        if self._windows_job is not None:
            self._windows_job.close()
        kill_tree(self._process)
        self._close_pipes()

    def close(self, timeout_s: float = 1.0) -> None:
        """Ask it to end, then make it end."""
        try:
            self.send({"request": "shutdown"})
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout_s)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            logger.info("The worker did not end by itself.")
        self.kill()

    def _close_pipes(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:
            logger.debug("The worker's input was already broken.")

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        decoder = LineDecoder()
        with self._process.stdout as stream:
            while piece := stream.read(1 << 16):
                for message in decoder.feed(piece):
                    if isinstance(message, dict):
                        self._messages.put(message)
                    else:
                        self._tail.add(f"\n[{message.reason} on the worker's output]\n".encode())
        # A dying worker's last words explain its end. Not for ever: a grandchild may hold the stream open.
        self._errors_ended.wait(LAST_WORDS_S)
        self._messages.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            while piece := stream.read(1 << 13):
                self._tail.add(piece)
        self._errors_ended.set()


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _windows_job(process: subprocess.Popen[bytes], memory_limit_bytes: int | None) -> Any:
    if sys.platform != "win32":
        return None
    from XRayLib.jobs.windows_job import WindowsJob

    try:
        return WindowsJob(process, memory_limit_bytes)
    except OSError:
        logger.warning("Windows refused a job object for the worker; its children may outlive it.", exc_info=True)
        return None
