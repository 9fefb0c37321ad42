"""The worker's standard streams: its first output stays the protocol's alone."""

from __future__ import annotations

import io
import os
import sys


def take_over_standard_streams() -> tuple[int, int]:
    """Private descriptors (requests, events) of the protocol; call before anything else may print.

    From then on, whatever native libraries or child processes write to descriptor 1 goes to standard error, and
    descriptor 0 reads nothing. Children do not inherit the private descriptors.
    """
    sys.stdout.flush()
    requests, events = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(
        io.FileIO(1, "w", closefd=False), encoding="utf-8", errors="backslashreplace", write_through=True
    )
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (requests, events):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return requests, events


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
