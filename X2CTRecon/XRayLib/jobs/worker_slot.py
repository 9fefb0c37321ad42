"""The place of the one worker: filled when a job needs it, emptied when the worker died or is dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from XRayLib.errors import XRay3DError
from XRayLib.jobs.job_folders import JobFolders
from XRayLib.jobs.protocol import Message
from XRayLib.jobs.settings import WorkerSettings
from XRayLib.jobs.worker_link import Transport, WorkerLink, WorkerUnavailableError

logger = logging.getLogger(__name__)

StartTransport = Callable[[WorkerSettings, Path], Transport]


class WorkerSlot:
    """Starts workers, one after the other, and owns the folders they exchange arrays through."""

    def __init__(self, settings: WorkerSettings, start_transport: StartTransport | None = None) -> None:
        self.link: WorkerLink | None = None
        self.starts = 0
        """How many workers were started. What a worker held in memory is gone once this has changed."""
        self._settings = settings
        self._start_transport = start_transport or _start_child
        self._folders: JobFolders | None = None
        self._last_words = ""

    @property
    def transport(self) -> Transport:
        """The way to the worker that is there."""
        assert self.link is not None
        return self.link.transport

    @property
    def hello(self) -> Message:
        """What the worker said of itself; empty while none is there or it has not greeted."""
        return self.link.hello if self.link else {}

    @property
    def stderr_tail(self) -> str:
        """The last lines on the standard error of the worker that is there, or was last."""
        return self.link.transport.stderr_tail if self.link else self._last_words

    def start(self) -> None:
        """Start a worker; WorkerUnavailableError when that is impossible."""
        try:
            transport = self._start_transport(self._settings, self.folders().root)
        except (OSError, XRay3DError) as error:
            message = f"The computing process cannot be started: {error}"
            raise WorkerUnavailableError(message, "Check the installation.") from error
        self.starts += 1
        self.link = WorkerLink(transport, self._settings.start_timeout_s)

    def folders(self) -> JobFolders:
        """Where job folders are made; OSError when no folder can be."""
        if self._folders is None:
            self._folders = JobFolders(self._settings.temporary_folder)
        return self._folders

    def tell(self, message: Message) -> None:
        """Send a message if there is anyone to hear it."""
        try:
            if self.link is not None:
                self.link.transport.send(message)
        except OSError:
            logger.info("The worker went before it could be told.")

    def drop(self) -> None:
        """Kill the worker, if there is one."""
        if self.link is not None:
            self.link.transport.kill()
            self._last_words = self.link.transport.stderr_tail
            self.link = None

    def close(self) -> None:
        """End the worker in order and remove every file."""
        if self.link is not None:
            self.link.transport.close()
        self.drop()
        if self._folders is not None:
            self._folders.close()
            self._folders = None


def _start_child(settings: WorkerSettings, folder: Path) -> Transport:
    from XRayLib.jobs.child_process import ChildProcess

    return ChildProcess(settings, folder)
