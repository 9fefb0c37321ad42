"""The worker process: ``python -u -m XRayLib.jobs.worker``, started by the client (client.py), speaks protocol.py.

Standard input carries requests, standard output events and nothing else, standard error whatever libraries print.
Exit codes: 0 ended in order, 1 failed. Only what the handshake needs is imported at the start.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from XRayLib import __version__
from XRayLib.jobs.guardian import start_guardian
from XRayLib.jobs.job_folders import remove_root
from XRayLib.jobs.protocol import PROTOCOL_VERSION, Message, encode
from XRayLib.jobs.requests import HANDLERS
from XRayLib.jobs.server import Server
from XRayLib.jobs.standard_streams import take_over_standard_streams, write_all

_END_GRACE_S = 2.0
"""How long a running request may go on after the client has gone."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve requests until shutdown or the end of input."""
    parser = argparse.ArgumentParser(prog="XRayLib.jobs.worker", description="Worker process of XRay3D.")
    parser.add_argument("--client-pid", type=int, default=os.getppid())
    parser.add_argument("--folder", type=Path, help="the client's private folder, removed when the client has gone")
    parser.add_argument("--memory-limit", type=int, help="address space in bytes")
    options = parser.parse_args(arguments)
    requests, events = take_over_standard_streams()
    guardian = start_guardian(requests, options.client_pid, options.folder)
    if options.memory_limit:
        _limit_memory(options.memory_limit)
    faulthandler.enable()

    writing = threading.Lock()

    def send(message: Message) -> None:
        data = encode(message)
        with writing:
            write_all(events, data)

    _log_through(send)
    server = Server(HANDLERS, send)
    send(_hello())
    threading.Thread(target=_read, args=(requests, server, options.folder), daemon=True).start()
    server.serve()
    guardian.dismiss()
    return 0


def _hello() -> Message:
    return {
        "event": "hello",
        "protocol": PROTOCOL_VERSION,
        "version": __version__,
        "pid": os.getpid(),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _read(requests: int, server: Server, folder: Path | None) -> None:
    """Feed the server until the client closes its end, then end the process even if a request does not let go.

    The guardian, not dismissed in that case, then ends what the request had started.
    """
    while data := os.read(requests, 1 << 16):
        server.receive(data)
    server.end()
    if folder is not None:
        remove_root(folder)
    time.sleep(_END_GRACE_S)
    os._exit(1)


def _limit_memory(limit_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the client's job object sets the limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))


class _EventHandler(logging.Handler):
    def __init__(self, send: Callable[[Message], None]) -> None:
        super().__init__(logging.INFO)
        self._send_event = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            event = {"event": "log", "level": record.levelname, "logger": record.name, "message": text}
            self._send_event(event)
        except Exception:
            self.handleError(record)


def _log_through(send: Callable[[Message], None]) -> None:
    root = logging.getLogger()
    root.addHandler(_EventHandler(send))
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Native libraries' threads and exit handlers must not delay or break an orderly end.
    os._exit(status)
