"""The worker's side of the protocol: bytes in, messages out, one request at a time. Knows no process or pipe."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from XRayLib.errors import CancelledError, InputError
from XRayLib.jobs.failure import CANCELLED, JobFailure, event_from_failure, failure_from_exception
from XRayLib.jobs.progress import JobProgress
from XRayLib.jobs.protocol import BrokenLine, LineDecoder, Message

logger = logging.getLogger(__name__)

BAD_REQUEST = "bad_request"

Send = Callable[[Message], None]


@dataclass(frozen=True)
class Request:
    """One request, as its handler gets it."""

    kind: str
    id: str
    params: Mapping[str, Any]
    progress: Callable[[float, str], None]
    folder: Path | None = None

    def folder_for_arrays(self) -> Path:
        """The folder the client made for this request; InputError when it made none."""
        if self.folder is None or not self.folder.is_dir():
            raise InputError(f"The request {self.kind} needs a folder that exists.")
        return self.folder

    def param(self, name: str, kind: type | tuple[type, ...], *default: Any) -> Any:
        """The parameter, checked; InputError when it is missing without a default, or of another type."""
        value = self.params.get(name, *default)
        if not isinstance(value, kind):
            raise InputError(f"The request {self.kind} needs the parameter '{name}'.")
        return value


Handler = Callable[[Request], Any]


@dataclass(eq=False)
class _Pending:
    message: Message
    cancelled: threading.Event = field(default_factory=threading.Event)


class Server:
    """Runs requests in the order they come.

    ``receive`` may be called by another thread than ``serve``; ``send`` must accept calls from both.
    """

    def __init__(self, handlers: Mapping[str, Handler], send: Send) -> None:
        self._handlers = handlers
        self._send = send
        self._decoder = LineDecoder()
        self._pending: deque[_Pending] = deque()
        self._running: _Pending | None = None
        self._ending = False
        self._changed = threading.Condition()

    def receive(self, data: bytes) -> None:
        """Take bytes from the client: ping, cancel and shutdown act at once, all else waits for its turn."""
        for message in self._decoder.feed(data):
            if isinstance(message, BrokenLine):
                self._refuse(None, f"A line that is no request was skipped: {message.reason}.")
            else:
                self._take(message)

    def end(self) -> None:
        """Cancel everything; ``serve`` returns as soon as the running request lets it."""
        with self._changed:
            self._ending = True
            waiting = [*self._pending, self._running]
            self._changed.notify()
        for pending in waiting:
            if pending:
                pending.cancelled.set()

    def serve(self) -> None:
        """Run requests until the end."""
        while (pending := self._next()) is not None:
            self._run(pending)
            with self._changed:
                self._running = None

    def _take(self, message: Message) -> None:
        kind, request_id = message.get("request"), message.get("id")
        if kind == "shutdown":
            self.end()
        elif not isinstance(kind, str) or not isinstance(request_id, str):
            self._refuse(request_id if isinstance(request_id, str) else None, "A request needs 'request' and 'id'.")
        elif kind == "ping":
            self._send({"event": "result", "id": request_id, "value": {}})
        elif kind == "cancel":
            self._cancel(request_id)
        else:
            with self._changed:
                self._pending.append(_Pending(message))
                self._changed.notify()

    def _cancel(self, request_id: str) -> None:
        with self._changed:
            found = [p for p in (*self._pending, self._running) if p and p.message["id"] == request_id]
        for pending in found:
            pending.cancelled.set()

    def _next(self) -> _Pending | None:
        with self._changed:
            while not self._pending and not self._ending:
                self._changed.wait()
            self._running = None if self._ending else self._pending.popleft()
            return self._running

    def _run(self, pending: _Pending) -> None:
        message, cancelled = pending.message, pending.cancelled
        request_id = message["id"]
        try:
            if cancelled.is_set():
                raise CancelledError
            handler = self._handlers.get(message["request"])
            if handler is None:
                raise InputError(f"The worker knows no request '{message['request']}'.")
            self._send({"event": "accepted", "id": request_id})
            value = handler(self._request(message, cancelled))
            self._send({"event": "result", "id": request_id, "value": value})
        except (Exception, SystemExit) as error:
            if cancelled.is_set():
                logger.info("Request %s ended by cancel", message["request"])
                failure = JobFailure(CANCELLED, "The job was cancelled.")
            else:
                failure = failure_from_exception(error)
            self._send(event_from_failure(request_id, failure))

    def _request(self, message: Message, cancelled: threading.Event) -> Request:
        request_id, params, folder = message["id"], message.get("params", {}), message.get("folder")
        if not isinstance(params, dict) or not isinstance(folder, str | None):
            raise InputError("A request's 'params' must be an object and its 'folder' a path.")

        def send_progress(fraction: float, stage: str, remaining_s: float | None) -> None:
            event = {"event": "progress", "id": request_id, "value": fraction, "stage": stage}
            self._send({**event, "remaining_s": remaining_s})

        progress = JobProgress(cancelled, send_progress)
        return Request(message["request"], request_id, params, progress, None if folder is None else Path(folder))

    def _refuse(self, request_id: str | None, message: str) -> None:
        self._send(event_from_failure(request_id, JobFailure(BAD_REQUEST, message)))
