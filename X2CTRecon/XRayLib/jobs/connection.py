"""The client's side of the worker: a queue of jobs and one process that runs them. No Qt, no numpy."""

from __future__ import annotations

import enum
import logging
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from XRayLib.errors import XRay3DError
from XRayLib.jobs.failure import (
    CANCELLED,
    JobFailure,
    exit_meaning,
    failure_from_event,
    failure_from_exception,
    failure_from_exit,
)
from XRayLib.jobs.job import Job, JobState
from XRayLib.jobs.job_folders import remove_folder
from XRayLib.jobs.protocol import Message
from XRayLib.jobs.pump import BlockingPump, EventPump
from XRayLib.jobs.settings import WorkerSettings
from XRayLib.jobs.worker_link import WorkerUnavailableError
from XRayLib.jobs.worker_slot import StartTransport, WorkerSlot

logger = logging.getLogger(__name__)

_POLL_S = 0.05
_NEVER = float("inf")
_CANCELLED = JobFailure(CANCELLED, "The job was cancelled.")


class WorkerState(enum.Enum):
    """What the user sees of the worker."""

    IDLE = "idle"
    """Ready. The process starts with the first job and is then kept."""
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FAILED = "failed"
    """The process died or could not start. The next job starts a new one."""


class Connection:
    """Runs jobs in a worker, one at a time in the order given.

    A job submitted while another runs waits its turn. The worker outlives its jobs, so that models stay loaded, and is
    started again after it died. A job succeeds only when its result arrived whole and the process had not failed.

    Not thread-safe: use it, and have it polled, on one thread. :class:`XRayLib.jobs.client.WorkerClient` adds a method
    for each kind of request.

    Parameters
    ----------
    pump : what calls :meth:`poll`; None for programs that call :meth:`wait`.
    start_transport : starts a worker; None for a child process.
    """

    def __init__(
        self,
        pump: EventPump | None = None,
        settings: WorkerSettings | None = None,
        start_transport: StartTransport | None = None,
    ) -> None:
        self.settings = settings or WorkerSettings()
        self.state = WorkerState.IDLE
        self.on_state: Callable[[WorkerState], None] = _ignore_state
        self.last_failure: JobFailure | None = None
        self._pump = pump or BlockingPump()
        self._worker = WorkerSlot(self.settings, start_transport)
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._submitted = 0
        self._kill_s = _NEVER

    def submit(self, job: Job) -> Job:
        """Queue a job, and send it at once when nothing runs."""
        self._receive(0.0)  # an idle worker may have died since: then the job gets a new one
        self._submitted += 1
        job.id = str(self._submitted)
        for other in [w for w in self._waiting if job.channel and w.channel == job.channel]:
            self._waiting.remove(other)
            other.state = JobState.SUPERSEDED
        self._waiting.append(job)
        self._pump.start(self.poll)
        self._advance()
        return job

    def cancel(self, job: Job | None = None) -> None:
        """Cancel a job, or the one that runs or is next: it is asked to stop, and killed when it does not within the
        grace time.

        A job that waits ends at once.
        """
        job = job or self._current or (self._waiting[0] if self._waiting else None)
        if job is not None and job in self._waiting:
            self._waiting.remove(job)
            job.end(JobState.CANCELLED, failure=_CANCELLED)
        elif job is not None and job is self._current and job.state is JobState.RUNNING:
            job.state = JobState.CANCELLING
            self._kill_s = time.monotonic() + self.settings.cancel_grace_s
            self._worker.tell({"request": "cancel", "id": job.id})
            self._set_state(WorkerState.CANCELLING)

    def invalidate(self) -> None:
        """The scene the jobs belong to is gone: stop them all, and let nobody hear of them."""
        while self._waiting:
            self._waiting.popleft().state = JobState.DROPPED
        if self._current is not None:
            self._current.stale = True
            self.cancel(self._current)

    def poll(self) -> None:
        """Take what the worker sent, kill what overran its grace, send what waits. The pump calls it; never blocks."""
        self._receive(0.0)
        if self._current is not None and time.monotonic() > self._kill_s:
            logger.info("The job did not stop within %.0f s: the worker is killed.", self.settings.cancel_grace_s)
            self._worker.drop()
            self._end(JobState.CANCELLED, failure=_CANCELLED)
        self._advance()
        if not self.busy:
            self._pump.stop()
            if self.state is WorkerState.STARTING:
                self._set_state(WorkerState.IDLE)

    def wait(self, job: Job) -> None:
        """Block until the job has ended. An exception meanwhile (Ctrl-C, or from a callback) cancels it and goes on."""
        try:
            self._wait(job)
        except BaseException:
            job.stale = True
            self.cancel(job)
            self._wait(job)
            raise

    def close(self) -> None:
        """Drop all jobs, end the worker and remove every file. The next job starts afresh."""
        self.invalidate()
        if self._current is not None:
            self._end(JobState.DROPPED)
        self._worker.close()
        self._pump.stop()
        self._set_state(WorkerState.IDLE)

    @property
    def busy(self) -> bool:
        """Whether any job runs or waits."""
        return self._current is not None or bool(self._waiting)

    @property
    def hello(self) -> Message:
        """What the running worker said of itself; empty while none runs."""
        return self._worker.hello

    @property
    def stderr_tail(self) -> str:
        """The last lines on the standard error of the worker that runs, or ran last."""
        return self._worker.stderr_tail

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, job: Job) -> None:
        while not job.finished:
            self._receive(_POLL_S)
            self.poll()

    def _receive(self, timeout_s: float) -> None:
        worker = self._worker
        try:
            while worker.link is not None and (event := worker.link.next_event(timeout_s)) is not None:
                timeout_s = 0.0
                self._handle(event)
        except WorkerUnavailableError as error:
            self._unavailable(error.failure)
        if worker.link is not None and worker.transport.ended:
            self._worker_died()

    def _handle(self, event: Message) -> None:
        kind, job = event.get("event"), self._current
        if job is None or event.get("id") != job.id:
            logger.debug("The event %s is for no job that runs", kind)
        elif kind == "progress" and job.state is JobState.RUNNING and not job.stale:
            job.stage = str(event.get("stage", ""))
            job.on_progress(float(event["value"]), job.stage, event.get("remaining_s"))
        elif kind in ("result", "error") and job.state is JobState.CANCELLING:
            self._end(JobState.CANCELLED, failure=_CANCELLED)
        elif kind == "result":
            self._succeeded(job, event.get("value"))
        elif kind == "error":
            failure = failure_from_event(event, job.device)
            self._end(JobState.CANCELLED if failure.code == CANCELLED else JobState.FAILED, failure=failure)

    def _advance(self) -> None:
        if self._current is not None or not self._waiting:
            return
        if self._worker.link is None:
            try:
                self._worker.start()
            except WorkerUnavailableError as error:
                self._unavailable(error.failure)
                return
            self._set_state(WorkerState.STARTING)
        elif self._worker.hello:
            self._send(self._waiting.popleft())

    def _send(self, job: Job) -> None:
        self._current = job
        job.state, job.worker = JobState.RUNNING, self._worker.starts
        self._set_state(WorkerState.RUNNING)
        try:
            job.folder = self._worker.folders().create(job.id)
            job.write(job.folder)
            request = {"request": job.kind, "id": job.id, "folder": str(job.folder), "params": dict(job.params)}
            self._worker.tell(request)
        except OSError as error:
            reason = f"The job's files cannot be written ({error.strerror})."
            failure = JobFailure(XRay3DError.code, reason, "Free disk space or choose another temporary folder.")
            self._end(JobState.FAILED, failure=failure)
        except (XRay3DError, MemoryError, TypeError, ValueError) as error:
            self._end(JobState.FAILED, failure=failure_from_exception(error))

    def _succeeded(self, job: Job, value: Any) -> None:
        assert job.folder is not None
        if self._worker.transport.exit_code:
            return  # the next poll deals with its end as a crash
        try:
            value = job.read(job.folder, value)
        except (XRay3DError, OSError, MemoryError, KeyError, TypeError, ValueError) as error:
            self._end(JobState.FAILED, failure=failure_from_exception(error))
            return
        self._end(JobState.DONE, value=value)

    def _worker_died(self) -> None:
        exit_code = self._worker.transport.exit_code
        self._worker.drop()
        job = self._current
        if job is None:
            logger.warning("The idle worker ended (%s).", exit_meaning(exit_code))
        elif job.state is JobState.CANCELLING:
            self._end(JobState.CANCELLED, failure=_CANCELLED)
        else:
            failure = failure_from_exit(exit_code, self.stderr_tail, job.device)
            self._end(JobState.FAILED, WorkerState.FAILED, failure=failure)

    def _unavailable(self, failure: JobFailure) -> None:
        """No worker can be had: every job that waits fails for the same reason."""
        self._worker.drop()
        self.last_failure = failure
        self._set_state(WorkerState.FAILED)
        waiting, self._waiting = self._waiting, deque()
        for job in waiting:
            job.end(JobState.FAILED, failure=failure)

    def _end(
        self,
        state: JobState,
        worker_state: WorkerState = WorkerState.IDLE,
        *,
        value: Any = None,
        failure: JobFailure | None = None,
    ) -> None:
        """The current job has ended."""
        job, self._current, self._kill_s = self._current, None, _NEVER
        assert job is not None
        if job.folder is not None:
            remove_folder(job.folder)
        if state is JobState.FAILED and not job.stale:
            self.last_failure = failure
        self._set_state(worker_state)
        job.end(state, value, failure)

    def _set_state(self, state: WorkerState) -> None:
        if state is not self.state:
            self.state = state
            self.on_state(state)


def _ignore_state(_state: WorkerState) -> None:
    """No one listens."""
