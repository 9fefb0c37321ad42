"""Cancels, crashes and deaths of a real worker process, and that nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from worker_cases import ENVIRONMENT
from XRayLib.case import Case, Options
from XRayLib.errors import CancelledError, OutOfMemoryError
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.connection import WorkerState
from XRayLib.jobs.job import Job, JobState

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and resource limits of POSIX")


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the condition comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start_hanging(client: WorkerClient, case: Case, pid_file: Path, method: str = "test-hang") -> tuple[Job, list[int]]:
    """A job that hangs for good, and the process ids of its worker and of the worker's child."""
    job = client.run_method(method, case, Options(extra={"pid_file": str(pid_file)}))

    def started() -> bool:
        client.poll()
        return pid_file.exists()

    assert eventually(started)
    return job, [int(pid) for pid in pid_file.read_text().split()]


def test_cooperative_cancel_keeps_the_process(client: WorkerClient, case: Case) -> None:
    job = client.run_method("test-slow", case, on_progress=lambda *_: client.cancel())
    client.wait(job)
    assert job.state is JobState.CANCELLED
    pid = client.hello["pid"]
    assert client.run_blocking("test-succeed", case).provenance["pid"] == pid


def test_an_exception_from_the_progress_callback_cancels(client: WorkerClient, case: Case) -> None:
    def stop(_fraction: float, stage: str) -> None:
        if stage == "waiting":
            raise CancelledError("enough")

    with pytest.raises(CancelledError, match="enough"):
        client.run_blocking("test-slow", case, progress=stop)
    assert client.state is WorkerState.IDLE
    assert client.run_blocking("test-succeed", case)


@pytest.mark.parametrize("method", ["test-hang", "test-hang-native"])
def test_a_hanging_job_is_killed_with_its_whole_tree(
    make_client: Callable[..., WorkerClient], case: Case, tmp_path: Path, method: str
) -> None:
    client = make_client(cancel_grace_s=0.3)
    job, pids = start_hanging(client, case, tmp_path / "pids", method)
    assert all(running(pid) for pid in pids)
    tree = [child.pid for child in psutil.Process(pids[0]).children(recursive=True)]
    assert pids[1] in tree
    start = time.monotonic()
    client.cancel()
    client.wait(job)
    assert time.monotonic() - start < 3
    assert job.state is JobState.CANCELLED
    assert eventually(lambda: not any(running(pid) for pid in (*pids, *tree)))
    assert client.run_blocking("test-succeed", case)


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("exit", "worker_crashed", "exit code 7"),
        ("segfault", "worker_crashed", "SIGSEGV"),
        ("kill", "out_of_memory", "lack of memory"),
        ("bad_alloc", "out_of_memory", "lack of memory"),
    ],
)
def test_a_crash_is_told_and_the_next_job_runs(
    client: WorkerClient, case: Case, kind: str, code: str, words: str
) -> None:
    job = client.run_method("test-crash", case, Options(extra={"kind": kind}))
    client.wait(job)
    assert job.failure is not None
    assert job.failure.code == code
    assert words in job.failure.message
    assert job.failure.offer_cpu
    if kind == "exit":
        assert "last words of a library" in job.failure.detail
    if kind == "segfault":
        assert "behaviours.py" in job.failure.detail
    assert client.state is WorkerState.FAILED
    assert client.run_blocking("test-succeed", case)
    assert client.state is WorkerState.IDLE


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS")
def test_the_memory_limit_turns_greed_into_a_clear_failure(
    make_client: Callable[..., WorkerClient], case: Case
) -> None:
    client = make_client(memory_limit_bytes=2 << 30, environment={"OPENBLAS_NUM_THREADS": "1"})
    with pytest.raises(OutOfMemoryError, match="ran out of memory"):
        client.run_blocking("test-allocate", case, Options(device="cpu"))
    assert client.run_blocking("test-succeed", case)


CLIENT_PROGRAM = """
import sys, time
from pathlib import Path
from worker_cases import ENVIRONMENT, make_radiograph
from XRayLib.case import Case, Options
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.settings import WorkerSettings
client = WorkerClient(settings=WorkerSettings(temporary_folder=Path(sys.argv[1]), environment=ENVIRONMENT))
method, pid_file = sys.argv[2:]
job = client.run_method(method, Case((make_radiograph(),)), Options(extra={"pid_file": pid_file}))
while True:
    client.poll()
    if client.hello and not Path(pid_file).exists() and "hang" not in method:
        Path(pid_file).write_text(str(client.hello["pid"]))
    time.sleep(0.01)
"""


@pytest.mark.parametrize("method", ["test-succeed", "test-slow", "test-hang", "test-hang-native"])
def test_nothing_outlives_a_killed_client(tmp_path: Path, method: str) -> None:
    pid_file, folder = tmp_path / "pids", tmp_path / "jobs"
    path = os.pathsep.join([str(Path(__file__).parent), ENVIRONMENT["PYTHONPATH"]])
    command = [sys.executable, "-c", CLIENT_PROGRAM, str(folder), method, str(pid_file)]
    program = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})
    try:
        assert eventually(lambda: pid_file.exists() and bool(pid_file.read_text()))
        tree = [child.pid for child in psutil.Process(program.pid).children(recursive=True)]
        assert {int(pid) for pid in pid_file.read_text().split()} <= set(tree)
    finally:
        program.send_signal(signal.SIGKILL)
    assert eventually(lambda: not any(running(pid) for pid in tree), 15)
    program.wait()
    assert eventually(lambda: list(folder.iterdir()) == [])


def test_children_of_a_crashed_worker_do_not_stay(client: WorkerClient, case: Case, tmp_path: Path) -> None:
    job, pids = start_hanging(client, case, tmp_path / "pids")
    os.kill(pids[0], signal.SIGKILL)
    client.wait(job)
    assert job.failure is not None
    assert eventually(lambda: not running(pids[1]))


def test_closing_ends_an_idle_worker_in_order(client: WorkerClient, case: Case) -> None:
    pid = client.run_blocking("test-succeed", case).provenance["pid"]
    tree = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    process = client._worker.transport._process  # type: ignore[union-attr]
    client.close()
    assert process.returncode == 0
    assert eventually(lambda: not any(running(p) for p in tree))


def test_closing_ends_a_hanging_worker(client: WorkerClient, case: Case, tmp_path: Path) -> None:
    _, pids = start_hanging(client, case, tmp_path / "pids")
    client.close()
    assert eventually(lambda: not any(running(pid) for pid in pids))


def test_a_closed_client_can_be_used_again(client: WorkerClient, case: Case) -> None:
    assert client.run_blocking("test-succeed", case)
    client.close()
    assert client.run_blocking("test-succeed", case)
