"""The worker protocol, version 1: bytes to messages and back. Knows no process, socket or pipe.

Both directions carry one JSON object per line, UTF-8. Arrays never travel in messages; they lie as ``.npy`` files in
the request's folder, which the client creates, both sides can reach, and the client removes.

Client to worker: ``{"request": KIND, "id": TEXT, "folder": PATH, "params": {...}}``. ``id`` is unique within a
connection, ``folder`` may be absent. Requests run one after another in the order sent, except these, which act at once:

- ``{"request": "ping", "id"}`` is answered by a result;
- ``{"request": "cancel", "id"}`` cancels the request of that id, running or waiting; a cancelled request ends with an
  error event of code "cancelled", and an unknown id is ignored;
- ``{"request": "shutdown"}`` cancels everything and ends the worker with exit code 0. So does the end of its input.

Worker to client, always with ``"event"``:

- ``hello``: first, once: ``protocol``, ``version`` (of XRayLib), ``pid``, ``python``, ``platform``;
- ``accepted``: ``id``; the request starts;
- ``progress``: ``id``, ``value`` (0..1, never falling), ``stage`` (words), ``remaining_s`` (seconds or null);
- ``log``: ``level``, ``logger``, ``message``;
- ``result``: ``id``, ``value`` (JSON); ends the request;
- ``error``: ``id`` (null when a line could not be read), ``code``, ``message`` (one sentence for the user), ``hint``
  (what to do, may be empty), ``detail`` (for the maintainer, may be empty); ends the request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROTOCOL_VERSION = 1

MAX_LINE_BYTES = 16 << 20
"""A longer line is skipped and reported, so that a flood cannot fill the memory."""

Message = dict[str, Any]


@dataclass(frozen=True)
class BrokenLine:
    """A line that is no message: why, and how it begins."""

    reason: str
    start: str


def encode(message: Mapping[str, Any]) -> bytes:
    """One line. ValueError when the message holds NaN or infinity, which JSON has not, or is too long."""
    line = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"a message of {len(line)} bytes is too long for the protocol: put arrays into files")
    return line


class LineDecoder:
    """Puts lines together from whatever pieces arrive."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0
        self._skipping = False

    def feed(self, data: bytes) -> list[Message | BrokenLine]:
        """The messages that ``data`` completes, in order, broken lines among them."""
        decoded: list[Message | BrokenLine] = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._add(end)
            if self._skipping:
                decoded.append(BrokenLine(f"longer than {MAX_LINE_BYTES} bytes", ""))
            elif line := b"".join(self._pieces).strip():
                decoded.append(_parse(line))
            self._pieces, self._length, self._skipping = [], 0, False
        self._add(rest)
        return decoded

    def _add(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > MAX_LINE_BYTES:
            self._pieces, self._skipping = [], True
        elif piece:
            self._pieces.append(piece)


def _parse(line: bytes) -> Message | BrokenLine:
    start = line[:200].decode("utf-8", "replace")
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return BrokenLine(f"not JSON ({type(error).__name__})", start)
    if not isinstance(message, dict):
        return BrokenLine("not a JSON object", start)
    return message
