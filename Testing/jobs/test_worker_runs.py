"""A real worker process: results, errors, noise and odd names."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from worker_cases import ENVIRONMENT, make_radiograph
from XRayLib.case import Case, Options
from XRayLib.errors import InputError, OutOfMemoryError, XRay3DError
from XRayLib.jobs import run_blocking
from XRayLib.jobs.client import WorkerClient
from XRayLib.jobs.job import JobState
from XRayLib.jobs.settings import WorkerSettings


def test_a_result_comes_back_from_another_process(client: WorkerClient, case: Case) -> None:
    result = client.run_blocking("test-succeed", case)
    assert result.volume is not None
    assert result.volume.voxels == pytest.approx(case.radiographs[0].line_integral.sum())
    assert result.views[0].radiograph is case.radiographs[0]
    assert result.provenance["pid"] != os.getpid()
    assert client.hello["pid"] == result.provenance["pid"]


def test_the_worker_keeps_running_between_jobs(client: WorkerClient, case: Case) -> None:
    first, second = (client.run_blocking("test-succeed", case).provenance["pid"] for _ in range(2))
    assert first == second


def test_progress_arrives_in_order(client: WorkerClient, case: Case) -> None:
    seen: list[tuple[float, str]] = []
    client.run_blocking("test-succeed", case, Options(extra={"steps": 4}), lambda *event: seen.append(event))
    assert [stage for _, stage in seen] == [
        *("Reading the case", "step 0", "step 1", "step 2", "step 3", "Handing over the result")
    ]
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen)


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("input", InputError, "upside down"),
        ("memory", OutOfMemoryError, "Close other programs"),
        ("device memory", OutOfMemoryError, "GPU"),
        ("exit", XRay3DError, "SystemExit"),
        ("bug", XRay3DError, "RuntimeError"),
    ],
)
def test_errors_arrive_as_what_they_are(
    client: WorkerClient, case: Case, kind: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        client.run_blocking("test-fail", case, Options(extra={"kind": kind}))
    assert type(caught.value) is error
    assert "behaviours.py" in caught.value.__notes__[0]
    assert client.run_blocking("test-succeed", case)


def test_a_case_that_does_not_fit_is_bad_input(client: WorkerClient) -> None:
    with pytest.raises(InputError, match="0 to 2"):
        client.run_blocking("test-succeed", Case((make_radiograph(),) * 3))


def test_unknown_methods_and_options_are_bad_input(client: WorkerClient, case: Case) -> None:
    with pytest.raises(InputError, match="no method 'nothing'"):
        client.run_blocking("nothing", case)
    with pytest.raises(InputError, match="knows no request"):
        client.call("fly")


def test_methods_are_listed(client: WorkerClient) -> None:
    listed = {entry["id"]: entry for entry in client.call("list_methods")}
    assert listed["test-succeed"]["needs"]["max_views"] == 2


def test_prints_of_any_kind_do_not_disturb_the_protocol(client: WorkerClient, case: Case) -> None:
    assert client.run_blocking("test-noisy", case).method == "test-noisy"
    assert client.run_blocking("test-succeed", case)
    tail = client.stderr_tail
    words = ("printed by Python", "written to descriptor 1", "printed by C", "printed by a child", "not UTF-8", "''")
    for words_printed in words:
        assert words_printed in tail


def test_a_message_of_megabytes_passes(client: WorkerClient, case: Case) -> None:
    options = Options(extra={"text": "ä" * 2_000_000})
    assert client.run_blocking("test-succeed", case, options)


def test_unicode_and_spaces_in_paths(make_client: Callable[..., WorkerClient], tmp_path: Path, case: Case) -> None:
    folder = tmp_path / "Jürgen's Röntgen 画像"
    assert make_client(temporary_folder=folder).run_blocking("test-succeed", case)


def test_job_folders_are_private_and_go_away(client: WorkerClient, case: Case, tmp_path: Path) -> None:
    modes = []
    client.wait(client.run_method("test-slow", case, on_progress=lambda *_: client.cancel()))
    (root,) = (tmp_path / "jobs").iterdir()
    modes.append(stat.S_IMODE(root.stat().st_mode))
    assert modes == [0o700]
    assert list(root.iterdir()) == []
    client.close()
    assert list((tmp_path / "jobs").iterdir()) == []


def test_two_rapid_submits_run_one_after_the_other(client: WorkerClient, case: Case) -> None:
    order: list[int] = []
    jobs = [client.run_method("test-succeed", case, on_result=lambda _result, n=n: order.append(n)) for n in range(2)]
    assert jobs[1].state is JobState.QUEUED
    client.wait(jobs[1])
    assert order == [0, 1]


def test_a_late_result_of_a_closed_scene_is_dropped(client: WorkerClient, case: Case) -> None:
    told: list[object] = []
    stale = client.run_method("test-succeed", case, on_result=told.append, on_error=told.append)
    while stale.state is JobState.QUEUED:
        client.poll()
        time.sleep(0.01)
    client.invalidate()
    assert client.run_blocking("test-succeed", case)
    assert stale.state is JobState.DROPPED
    assert told == []


def test_the_worker_logs_through_the_client(client: WorkerClient, case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    job = client.run_method("test-slow", case, on_progress=lambda *_: client.cancel())
    client.wait(job)
    assert any("Worker: Request run_method ended by cancel" in record.getMessage() for record in caplog.records)


def test_threads_are_limited_where_asked() -> None:
    from XRayLib.jobs.interpreter import worker_environment

    environment = worker_environment(WorkerSettings(threads=2))
    assert environment["OMP_NUM_THREADS"] == environment["NUMBA_NUM_THREADS"] == "2"


def test_running_without_a_worker_gives_the_same(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from XRayLib import registry

    monkeypatch.setenv("XRAY3D_METHOD_PACKAGES", ENVIRONMENT["XRAY3D_METHOD_PACKAGES"])
    monkeypatch.syspath_prepend(ENVIRONMENT["PYTHONPATH"].split(os.pathsep)[0])
    registry.methods.cache_clear()
    try:
        here = run_blocking("test-succeed", case, in_process=True)
        there = run_blocking("test-succeed", case)
    finally:
        registry.methods.cache_clear()
    assert here.provenance["pid"] == os.getpid() != there.provenance["pid"]
    assert here.quality == there.quality
    assert (here.volume.voxels == there.volume.voxels).all()  # type: ignore[union-attr]


def test_the_worker_can_be_driven_by_hand(tmp_path: Path) -> None:
    requests = [{"request": "ping", "id": "a"}, {"request": "list_methods", "id": "b"}, {"request": "shutdown"}]
    text = "garbage\n" + "".join(json.dumps(request) + "\n" for request in requests[:2])
    command = [sys.executable, "-m", "XRayLib.jobs.worker"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, cwd=tmp_path, check=True, timeout=60)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "hello"
    assert {"code": "bad_request", "id": None}.items() <= events[1].items()
    assert any(event["event"] == "result" and event["id"] == "a" for event in events)


def test_the_worker_answers_soon(client: WorkerClient) -> None:
    """The handshake imports neither numpy nor any library; the bound is far above what it takes on a busy machine."""
    code = (
        "import sys, XRayLib.jobs.worker\n"
        "print([m for m in ('numpy', 'scipy', 'SimpleITK', 'torch', 'numba') if m in sys.modules])"
    )
    environment = {**os.environ, **ENVIRONMENT}
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert loaded.stdout.strip() == "[]"
    start = time.monotonic()
    job = client.request("fly")
    while not client.hello:
        client.poll()
        time.sleep(0.005)
    assert time.monotonic() - start < 10
    client.wait(job)
