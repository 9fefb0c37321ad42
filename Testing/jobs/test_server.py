"""The worker's side of the protocol, without a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from XRayLib.errors import InputError
from XRayLib.jobs.protocol import encode
from XRayLib.jobs.server import Request, Server


class Running:
    """A server on a thread of its own, and all it sent."""

    def __init__(self, **handlers: Callable[[Request], Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.server = Server(handlers, self.sent.append)
        self.thread = threading.Thread(target=self.server.serve)

    def __enter__(self) -> Running:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.end()
        self.thread.join(5)
        assert not self.thread.is_alive()

    def ask(self, request: str, request_id: str = "1", **more: Any) -> None:
        self.server.receive(encode({"request": request, "id": request_id, **more}))

    def finish(self) -> list[dict[str, Any]]:
        """All events, once every request sent so far has ended."""
        done = threading.Event()
        self.server._handlers = {**self.server._handlers, "last": lambda _request: done.set()}
        self.ask("last", "last")
        assert done.wait(5)
        return [event for event in self.sent if event["id"] != "last"]


def test_a_request_is_accepted_and_answered() -> None:
    with Running(add=lambda request: request.params["a"] + 1) as running:
        running.ask("add", params={"a": 2})
        assert running.finish() == [
            {"event": "accepted", "id": "1"},
            {"event": "result", "id": "1", "value": 3},
        ]


def test_requests_run_in_order_and_an_error_does_not_stop_the_next() -> None:
    def fail(_request: Request) -> None:
        raise InputError("Turn it.")

    with Running(fail=fail, good=lambda _request: "ok") as running:
        running.ask("fail", "1")
        running.ask("good", "2")
        events = running.finish()
    assert [(e["event"], e["id"]) for e in events] == [
        *[("accepted", "1"), ("error", "1"), ("accepted", "2"), ("result", "2")]
    ]
    assert (events[1]["code"], events[1]["message"]) == ("bad_input", "Turn it.")


def test_ping_is_answered_while_a_request_runs_and_cancel_reaches_it() -> None:
    started = threading.Event()

    def slow(request: Request) -> None:
        started.set()
        while True:
            request.progress(0.5, "slow")

    with Running(slow=slow) as running:
        running.ask("slow", "1")
        assert started.wait(5)
        running.ask("ping", "2")
        assert {"event": "result", "id": "2", "value": {}} in running.sent
        running.ask("cancel", "1")
        assert running.finish()[-1]["code"] == "cancelled"


def test_a_waiting_request_is_cancelled_without_running() -> None:
    gate, ran = threading.Event(), []
    with Running(wait=lambda _request: gate.wait(5), run=lambda _request: ran.append(1)) as running:
        running.ask("wait", "1")
        running.ask("run", "2")
        running.ask("cancel", "2")
        gate.set()
        events = [e for e in running.finish() if e["id"] == "2"]
    assert [e["event"] for e in events] == ["error"]
    assert not ran


def test_whatever_error_a_cancelled_request_ends_with_is_a_cancel() -> None:
    started = threading.Event()

    def interrupted(request: Request) -> None:
        started.set()
        try:
            while True:
                request.progress(0, "")
        except Exception as error:
            raise RuntimeError("a library's own words for being interrupted") from error

    with Running(interrupted=interrupted) as running:
        running.ask("interrupted")
        assert started.wait(5)
        running.ask("cancel")
        assert running.finish()[-1]["code"] == "cancelled"


@pytest.mark.parametrize(
    "line",
    [b"not json", b"[]", b"{}", b'{"request": 5, "id": "1"}', b'{"request": "x"}', b'{"request": "x", "id": 7}'],
)
def test_garbage_is_answered_and_survived(line: bytes) -> None:
    with Running(good=lambda _request: "ok") as running:
        running.server.receive(line + b"\n")
        running.ask("good", "9")
        events = running.finish()
    assert events[0]["event"] == "error"
    assert events[0]["code"] == "bad_request"
    assert events[-1]["value"] == "ok"


def test_an_unknown_request_is_bad_input() -> None:
    with Running() as running:
        running.ask("fly")
        assert running.finish()[0]["code"] == "bad_input"


def test_a_value_that_is_not_json_is_an_error_and_not_a_silence() -> None:
    with Running(bad=lambda _request: object()) as running:
        real_send = running.server._send
        running.server._send = lambda message: (encode(message), real_send(message))  # type: ignore[assignment]
        running.ask("bad")
        assert running.finish()[-1]["code"] == "failed"


def test_parameters_are_checked(tmp_path: Path) -> None:
    request = Request("kind", "1", {"number": 3}, lambda _fraction, _stage: None, tmp_path)
    assert request.param("number", int) == 3
    assert request.param("absent", str, "default") == "default"
    assert request.folder_for_arrays() == tmp_path
    for read in (lambda: request.param("number", str), lambda: request.param("absent", int)):
        with pytest.raises(InputError):
            read()
    with pytest.raises(InputError):
        Request("kind", "1", {}, request.progress, tmp_path / "gone").folder_for_arrays()


def test_the_end_stops_waiting_requests() -> None:
    running = Running(wait=lambda request: request.progress(0, ""))
    running.ask("wait", "1")
    running.server.end()
    with running:
        pass
    assert running.sent == []
