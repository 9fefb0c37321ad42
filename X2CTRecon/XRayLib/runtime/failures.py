"""A runtime's exceptions as sentences for the user."""

from __future__ import annotations

import re

from XRayLib.errors import CancelledError, OutOfMemoryError, XRay3DError

_OUT_OF_MEMORY = re.compile(
    r"out of memory|bad.?alloc|failed to allocate|can't allocate memory|alloc_failed|not enough memory|E_OUTOFMEMORY"
    r"|DefaultCPUAllocator",
    re.IGNORECASE,
)
_TERMINATED = re.compile(r"terminate flag", re.IGNORECASE)


def as_project_error(error: BaseException, title: str, where: str, *, on_cpu: bool) -> XRay3DError:
    """The project's error for what a session raised: cancelled, out of memory or failed.

    ``title`` is the model's, ``where`` the provider's name for the user.
    """
    if isinstance(error, XRay3DError):
        return error
    text = str(error)
    if _TERMINATED.search(text):
        return CancelledError("Cancelled.")
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or _OUT_OF_MEMORY.search(text):
        advice = "close other programs or choose a smaller model" if on_cpu else "run it on the CPU"
        return OutOfMemoryError(f"There is not enough memory on {where} for the model '{title}': {advice}.")
    return XRay3DError(f"The model '{title}' failed on {where}: {first_line(error)}")


def first_line(error: BaseException, limit: int = 300) -> str:
    """What an exception says, in one line without the runtime's source locations, ending with a full stop."""
    text = re.sub(r"\S+\.(cc|cpp|h|cu):\d+\s+\S+", "", str(error)).strip() or type(error).__name__
    line = " ".join(text.split())[:limit].rstrip(". ")
    return line + "."
