"""The most memory that a block of code held at once."""

from __future__ import annotations

from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"


class PeakMemory:
    """``with PeakMemory() as memory: ...``; then ``memory.gb``: peak of the process above what it held before.

    Only where Linux's /proc tells it; None elsewhere.
    """

    gb: float | None = None

    def __enter__(self) -> PeakMemory:
        self._before = _held("VmRSS")
        if self._before is not None:
            CLEAR.write_text(RESET_PEAK)
        return self

    def __exit__(self, *_: object) -> None:
        peak = _held("VmHWM")
        if self._before is not None and peak is not None:
            self.gb = max(0.0, peak - self._before)


def _held(name: str) -> float | None:
    """GB of a line of the process's status."""
    if not CLEAR.exists():
        return None
    return int(STATUS.read_text().partition(f"{name}:")[2].split()[0]) / 1e6
