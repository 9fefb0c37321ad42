"""The client's state machine, with a worker that the test plays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from XRayLib import __version__
from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.jobs.connection import Connection, WorkerState
from XRayLib.jobs.failure import JobFailure, event_from_failure, failure_from_event, failure_from_exception
from XRayLib.jobs.job import Job, JobState
from XRayLib.jobs.protocol import PROTOCOL_VERSION
from XRayLib.jobs.settings import WorkerSettings

HELLO = {"event": "hello", "protocol": PROTOCOL_VERSION, "version": __version__, "pid": 1}


class PlayedWorker:
    """A transport whose other end is the test."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.incoming: deque[dict[str, Any]] = deque()
        self.exit_code: int | None = None
        self.stderr_tail = "tail"
        self.killed = False

    @property
    def ended(self) -> bool:
        return self.exit_code is not None and not self.incoming

    def send(self, message: dict[str, Any]) -> None:
        if self.exit_code is not None:
            raise BrokenPipeError
        self.requests.append(message)

    def next_message(self, timeout_s: float = 0.0) -> dict[str, Any] | None:
        return self.incoming.popleft() if self.incoming else None

    def kill(self) -> None:
        self.killed = True

    def close(self, timeout_s: float = 1.0) -> None:
        self.killed = True

    def says(self, event: str, request_id: str = "1", **more: Any) -> None:
        self.incoming.append({"event": event, "id": request_id, **more})


class RecordingPump:
    def __init__(self) -> None:
        self.running = False

    def start(self, poll: Callable[[], None]) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


class Stage:
    """A connection, the workers it started, and everything the user was told."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.workers: list[PlayedWorker] = []
        self.told: list[tuple[str, Any]] = []
        self.states: list[str] = []
        self.pump = RecordingPump()
        self.connection = Connection(
            self.pump, WorkerSettings(temporary_folder=tmp_path, **settings), lambda *_: self._start()
        )
        self.connection.on_state = lambda state: self.states.append(state.value)

    def _start(self) -> PlayedWorker:
        self.workers.append(PlayedWorker())
        return self.workers[-1]

    @property
    def worker(self) -> PlayedWorker:
        return self.workers[-1]

    def job(self, kind: str = "work", **fields: Any) -> Job:
        return Job(
            kind,
            on_progress=lambda value, stage, _remaining: self.told.append((f"{kind} progress", (value, stage))),
            on_result=lambda value: self.told.append((f"{kind} result", value)),
            on_error=lambda failure: self.told.append((f"{kind} error", failure.code)),
            **fields,
        )

    def submit(self, kind: str = "work", **fields: Any) -> Job:
        return self.connection.submit(self.job(kind, **fields))

    def submit_and_greet(self, kind: str = "work", **fields: Any) -> Job:
        job = self.submit(kind, **fields)
        self.worker.incoming.append(dict(HELLO))
        self.connection.poll()
        return job


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_job_goes_from_start_to_result(stage: Stage) -> None:
    job = stage.submit_and_greet(params={"a": 1})
    assert stage.worker.requests == [{"request": "work", "id": "1", "folder": str(job.folder), "params": {"a": 1}}]
    assert job.folder is not None
    assert job.folder.is_dir()
    stage.worker.says("accepted")
    stage.worker.says("progress", value=0.5, stage="half", remaining_s=None)
    stage.worker.says("result", value=42)
    stage.connection.poll()
    assert stage.told == [("work progress", (0.5, "half")), ("work result", 42)]
    assert stage.states == ["starting", "running", "idle"]
    assert not job.folder.exists()
    assert not stage.pump.running


def test_the_worker_is_kept_for_the_next_job(stage: Stage) -> None:
    stage.submit_and_greet("first")
    stage.worker.says("result", "1", value=1)
    stage.connection.poll()
    stage.submit("second")
    assert len(stage.workers) == 1
    assert [r["request"] for r in stage.worker.requests] == ["first", "second"]


def test_a_second_job_waits_for_the_first(stage: Stage) -> None:
    stage.submit_and_greet("first")
    second = stage.submit("second")
    assert second.state is JobState.QUEUED
    assert len(stage.worker.requests) == 1
    stage.worker.says("result", "1", value=1)
    stage.connection.poll()
    assert stage.worker.requests[-1]["id"] == "2"
    stage.worker.says("result", "2", value=2)
    stage.connection.poll()
    assert stage.told == [("first result", 1), ("second result", 2)]


def test_of_waiting_jobs_in_one_channel_only_the_last_runs(stage: Stage) -> None:
    stage.submit_and_greet("drag", channel="c")
    waiting = [stage.submit("drag", channel="c", params={"n": n}) for n in range(5)]
    stage.worker.says("result", "1", value="first")
    stage.connection.poll()
    assert [job.state for job in waiting] == [JobState.SUPERSEDED] * 4 + [JobState.RUNNING]
    assert [r["params"] for r in stage.worker.requests] == [{}, {"n": 4}]


def test_a_cooperative_cancel_keeps_the_worker(stage: Stage) -> None:
    stage.submit_and_greet()
    stage.connection.cancel()
    assert stage.worker.requests[-1] == {"request": "cancel", "id": "1"}
    assert stage.connection.state is WorkerState.CANCELLING
    stage.worker.says("progress", value=0.9, stage="late", remaining_s=None)
    stage.worker.says("error", code="cancelled", message="x")
    stage.connection.poll()
    assert stage.told == [("work error", "cancelled")]
    assert stage.connection.state is WorkerState.IDLE
    assert not stage.worker.killed


def test_a_result_that_comes_after_cancel_is_not_delivered(stage: Stage) -> None:
    stage.submit_and_greet()
    stage.connection.cancel()
    stage.worker.says("result", value=1)
    stage.connection.poll()
    assert stage.told == [("work error", "cancelled")]


def test_a_job_that_ignores_cancel_is_killed_and_the_next_gets_a_new_worker(tmp_path: Path) -> None:
    stage = Stage(tmp_path, cancel_grace_s=0.0)
    stage.submit_and_greet("deaf")
    stage.submit("next")
    stage.connection.cancel()
    stage.connection.poll()
    assert stage.workers[0].killed
    assert stage.told == [("deaf error", "cancelled")]
    assert len(stage.workers) == 2
    stage.worker.incoming.append(dict(HELLO))
    stage.connection.poll()
    assert stage.worker.requests[0]["request"] == "next"


def test_a_waiting_job_is_cancelled_without_disturbing_the_running_one(stage: Stage) -> None:
    stage.submit_and_greet("first")
    second = stage.submit("second")
    stage.connection.cancel(second)
    assert stage.told == [("second error", "cancelled")]
    assert stage.connection.state is WorkerState.RUNNING
    assert len(stage.worker.requests) == 1


def test_after_invalidate_nobody_hears_of_the_old_jobs(stage: Stage) -> None:
    running = stage.submit_and_greet("running")
    waiting = stage.submit("waiting")
    stage.connection.invalidate()
    fresh = stage.submit("fresh")
    stage.worker.says("progress", "1", value=0.9, stage="late", remaining_s=None)
    stage.worker.says("result", "1", value="stale")
    stage.connection.poll()
    assert stage.told == []
    assert (running.state, waiting.state) == (JobState.DROPPED, JobState.DROPPED)
    stage.worker.says("result", "3", value="fresh")
    stage.connection.poll()
    assert stage.told == [("fresh result", "fresh")]
    assert fresh.state is JobState.DONE


@pytest.mark.parametrize("exit_code", [0, 1, -11, 0xC0000005])
def test_an_exit_without_a_result_is_a_failure_whatever_the_code(stage: Stage, exit_code: int) -> None:
    job = stage.submit_and_greet()
    stage.worker.exit_code = exit_code
    stage.connection.poll()
    assert stage.told == [("work error", "worker_crashed")]
    assert isinstance(job.failure, JobFailure)
    assert job.failure.detail == "tail"
    assert stage.connection.state is WorkerState.FAILED


def test_a_result_from_a_worker_that_failed_is_not_believed(stage: Stage) -> None:
    stage.submit_and_greet()
    stage.worker.says("result", value=1)
    stage.worker.exit_code = 139
    stage.connection.poll()
    assert stage.told == [("work error", "worker_crashed")]


def test_a_result_whose_files_cannot_be_read_is_a_failure(stage: Stage) -> None:
    def read(_folder: Path, _value: Any) -> None:
        raise InputError("The array is damaged.")

    stage.submit_and_greet(read=read)
    stage.worker.says("result", value=1)
    stage.connection.poll()
    assert stage.told == [("work error", "bad_input")]
    assert stage.connection.state is WorkerState.IDLE


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), InputError("Bad."), MemoryError()])
def test_a_job_whose_files_cannot_be_written_fails_and_the_next_runs(stage: Stage, error: Exception) -> None:
    def write(_folder: Path) -> None:
        raise error

    job = stage.submit_and_greet("full", write=write)
    assert job.state is JobState.FAILED
    assert stage.connection.state is WorkerState.IDLE
    if isinstance(error, OSError):
        assert "No space left" in job.failure.message  # type: ignore[union-attr]
    stage.submit("next")
    assert stage.worker.requests[-1]["request"] == "next"


def test_parameters_that_are_no_json_fail_their_job_only(stage: Stage) -> None:
    from XRayLib.jobs.protocol import encode

    job = stage.submit_and_greet("good")
    stage.worker.says("result", "1", value=1)
    stage.connection.poll()
    stage.worker.send = lambda message: encode(message)  # type: ignore[method-assign,assignment]
    job = stage.submit("bad", params={"array": object()})
    assert job.state is JobState.FAILED
    assert stage.connection.state is WorkerState.IDLE


def test_after_a_crash_the_next_job_starts_a_new_worker(stage: Stage) -> None:
    stage.submit_and_greet("first")
    stage.worker.exit_code = -6
    stage.connection.poll()
    stage.submit_and_greet("second")
    assert len(stage.workers) == 2
    stage.worker.says("result", "2", value="ok")
    stage.connection.poll()
    assert stage.told[-1] == ("second result", "ok")


def test_a_worker_that_died_idle_is_replaced_without_a_failure(stage: Stage) -> None:
    stage.submit_and_greet("first")
    stage.worker.says("result", "1", value=1)
    stage.connection.poll()
    stage.worker.exit_code = -9
    stage.submit_and_greet("second")
    assert len(stage.workers) == 2
    assert stage.worker.requests[0]["request"] == "second"
    assert [t for t in stage.told if "error" in t[0]] == []


@pytest.mark.parametrize("hello", [{**HELLO, "protocol": 99}, {**HELLO, "version": "0.0.0"}])
def test_a_worker_of_another_version_is_refused(stage: Stage, hello: dict[str, Any]) -> None:
    stage.submit()
    stage.worker.incoming.append(hello)
    stage.connection.poll()
    assert stage.told == [("work error", "worker_unavailable")]
    assert stage.worker.killed


def test_a_worker_that_ends_at_its_start_fails_every_waiting_job(stage: Stage) -> None:
    stage.submit("one")
    stage.submit("two")
    stage.worker.exit_code = 1
    stage.connection.poll()
    assert stage.told == [("one error", "worker_unavailable"), ("two error", "worker_unavailable")]
    assert len(stage.workers) == 1


@pytest.mark.parametrize(
    ("last_words", "named"),
    [
        (
            "Traceback ...\n  import numpy\nModuleNotFoundError: No module named 'numpy'\n",
            ": ModuleNotFoundError: No mod",
        ),
        ("onnx.errors.LoadError: broken", ": onnx.errors.LoadError: broken"),
        ("warning: something else", "(exit code 1)."),
        ("", "(exit code 1)."),
    ],
)
def test_the_exception_that_ended_a_worker_at_its_start_is_told(stage: Stage, last_words: str, named: str) -> None:
    told: list[JobFailure] = []
    stage.connection.submit(Job("work", on_error=told.append))
    stage.worker.exit_code = 1
    stage.worker.stderr_tail = last_words
    stage.connection.poll()
    assert named in told[0].message


def test_a_silent_worker_is_given_up(tmp_path: Path) -> None:
    stage = Stage(tmp_path, start_timeout_s=0.0)
    stage.submit()
    stage.connection.poll()
    assert stage.told == [("work error", "worker_unavailable")]
    assert stage.worker.killed


@pytest.mark.parametrize("error", [OSError("no such file"), MissingDependencyError("PythonSlicer was not found.")])
def test_an_interpreter_that_cannot_be_started_is_told(tmp_path: Path, error: Exception) -> None:
    def refuse(*_: Any) -> PlayedWorker:
        raise error

    told: list[JobFailure] = []
    connection = Connection(None, WorkerSettings(temporary_folder=tmp_path), refuse)
    connection.submit(Job("work", on_error=told.append))
    assert told[0].code == "worker_unavailable"
    assert str(error) in told[0].message


def test_a_job_cancelled_while_the_worker_starts_leaves_it_ready(stage: Stage) -> None:
    job = stage.submit()
    stage.connection.cancel(job)
    stage.connection.poll()
    assert stage.connection.state is WorkerState.IDLE
    assert not stage.pump.running
    stage.submit_and_greet("next")
    assert len(stage.workers) == 1
    assert stage.worker.requests[0]["request"] == "next"


def test_cancel_without_a_job_means_the_next_one_while_the_worker_starts(stage: Stage) -> None:
    first, second = stage.submit("first"), stage.submit("second")
    stage.connection.cancel()
    assert first.state is JobState.CANCELLED
    assert not second.finished


def test_a_callback_may_submit_the_next_job(stage: Stage) -> None:
    chained = stage.job("chained")
    stage.connection.submit(Job("first", on_result=lambda _value: stage.connection.submit(chained)))
    stage.worker.incoming.append(dict(HELLO))
    stage.connection.poll()
    stage.worker.says("result", "1", value=1)
    stage.connection.poll()
    assert stage.worker.requests[-1]["request"] == "chained"
    assert stage.pump.running


def test_an_exception_from_a_callback_loses_no_later_event(stage: Stage) -> None:
    def explode(_value: Any) -> None:
        raise ZeroDivisionError

    stage.connection.submit(Job("first", on_result=explode))
    stage.worker.incoming.append(dict(HELLO))
    stage.submit("second")
    stage.connection.poll()
    stage.worker.says("result", "1", value=1)
    with pytest.raises(ZeroDivisionError):
        stage.connection.poll()
    stage.connection.poll()
    stage.worker.says("result", "2", value=2)
    stage.connection.poll()
    assert stage.told == [("second result", 2)]


def test_events_of_unknown_jobs_are_ignored(stage: Stage) -> None:
    stage.submit_and_greet()
    stage.worker.says("result", "77", value="not mine")
    stage.worker.incoming.append({"event": "result"})
    stage.worker.incoming.append({"event": "unheard of", "id": "1"})
    stage.connection.poll()
    assert stage.told == []


def test_a_computer_without_memory_left_is_not_told_to_use_the_cpu() -> None:
    for error, offers in (
        (MemoryError(), False),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: out of memory"), False),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
    ):
        event = event_from_failure("1", failure_from_exception(error))
        assert event["code"] == "out_of_memory"
        told = failure_from_event(event, "auto")
        assert told.offer_cpu == offers
        assert ("CPU" in told.hint) == offers


def test_out_of_memory_offers_the_cpu_only_where_it_was_not_tried(stage: Stage) -> None:
    failures = []
    for number, device in enumerate(("auto", "cpu"), 1):
        stage.connection.submit(Job("work", on_error=failures.append, device=device))
        if number == 1:
            stage.worker.incoming.append(dict(HELLO))
            stage.connection.poll()
        stage.worker.says("error", str(number), code="out_of_memory", message="No memory.", hint="Close programs.")
        stage.connection.poll()
    assert [failure.offer_cpu for failure in failures] == [True, False]
    assert "CPU" in failures[0].hint
    assert failures[1].hint == "Close programs."


def test_closing_removes_every_file_and_drops_the_running_job(stage: Stage, tmp_path: Path) -> None:
    job = stage.submit_and_greet()
    assert any(tmp_path.iterdir())
    stage.connection.close()
    assert not any(tmp_path.iterdir())
    assert job.state is JobState.DROPPED
    assert stage.told == []
    assert stage.worker.killed
