"""How a job failed: from an exception in the worker, or from the worker's death, to what the user is told."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from XRayLib import errors

WORKER_CRASHED = "worker_crashed"
WORKER_UNAVAILABLE = "worker_unavailable"
OUT_OF_MEMORY = errors.OutOfMemoryError.code
CANCELLED = errors.CancelledError.code

OUT_OF_MEMORY_SENTENCE = "The computer or the graphics card ran out of memory."
FREE_MEMORY_HINT = "Close other programs or choose a smaller model or image."
CPU_HINT = "Run it on the CPU: choose the device 'cpu'."

_OUT_OF_MEMORY_WORDS = (
    *("out of memory", "bad_alloc", "failed to allocate memory", "cannot allocate memory", "bad allocation"),
    *("available memory of", "cudaerrormemoryallocation", "cublas_status_alloc_failed", "cudnn_status_alloc_failed"),
)
_COMPUTER_MEMORY_WORDS = ("cpuallocator", "bad_alloc", "cannot allocate memory", "bad allocation")
_OUT_OF_MEMORY_TYPES = {"OutOfMemoryError", "_ArrayMemoryError"}

_KILLED = {-9, 137}
"""SIGKILL as Popen and as shells report it: only the kernel's out-of-memory killer sends it to the worker."""
_WINDOWS_OUT_OF_MEMORY = {0xC0000017, 0xC000012D}
_CRASH_NAMES = {0xC0000005: "access violation", 0xC0000409: "stack overrun", 0xC00000FD: "stack overflow"}


@dataclass(frozen=True)
class JobFailure:
    """Why a job ended without a result.

    ``code`` is one of the codes of XRayLib.errors, "worker_crashed" or "worker_unavailable"; ``message`` one sentence
    for the user; ``hint`` what to do; ``detail`` for the maintainer (traceback, last lines of the worker).
    ``offer_cpu``: the same job may succeed on the CPU.
    """

    code: str
    message: str
    hint: str = ""
    detail: str = ""
    offer_cpu: bool = False

    def exception(self) -> errors.XRay3DError:
        """The exception of XRayLib.errors that says the same."""
        kinds: list[type[errors.XRay3DError]] = [errors.XRay3DError, *errors.XRay3DError.__subclasses__()]
        by_code = {kind.code: kind for kind in kinds}
        text = f"{self.message} {self.hint}".strip()
        error = by_code.get(self.code, errors.XRay3DError)(text)
        if self.detail:
            error.add_note(self.detail)
        return error


def failure_from_exception(error: BaseException) -> JobFailure:
    """The failure that an exception, here or in the worker, means."""
    detail = "".join(traceback.format_exception(error))
    if _is_out_of_memory(error):
        return JobFailure(OUT_OF_MEMORY, OUT_OF_MEMORY_SENTENCE, FREE_MEMORY_HINT, detail, not _is_of_computer(error))
    if isinstance(error, errors.XRay3DError):
        return JobFailure(error.code, str(error), "", detail)
    if isinstance(error, ModuleNotFoundError):
        message = f"The Python package '{error.name}' is not installed."
        return JobFailure(errors.MissingDependencyError.code, message, "Install it and try again.", detail)
    message = f"The computation failed unexpectedly ({type(error).__name__}: {str(error)[:300]})."
    return JobFailure(errors.XRay3DError.code, message, "Copy the diagnostics and report them.", detail)


def event_from_failure(request_id: str | None, failure: JobFailure) -> dict[str, Any]:
    """The error event of the protocol for a request, or for a line that was none."""
    told = {"code": failure.code, "message": failure.message, "hint": failure.hint, "detail": failure.detail}
    return {"event": "error", "id": request_id, "offer_cpu": failure.offer_cpu, **told}


def failure_from_event(event: Mapping[str, Any], device: str) -> JobFailure:
    """The failure that an error event tells; ``device`` is the one the job was to run on."""
    code = str(event.get("code", errors.XRay3DError.code))
    offer_cpu = code == OUT_OF_MEMORY and device != "cpu" and bool(event.get("offer_cpu", True))
    hint = CPU_HINT if offer_cpu else str(event.get("hint", ""))
    return JobFailure(code, str(event.get("message", "")), hint, str(event.get("detail", "")), offer_cpu)


def failure_from_exit(exit_code: int | None, stderr_tail: str, device: str) -> JobFailure:
    """The failure of a job whose worker died; negative exit codes are signals."""
    offer_cpu = device != "cpu"
    words_of_memory = any(word in stderr_tail[-4000:].lower() for word in _OUT_OF_MEMORY_WORDS)
    if exit_code in _KILLED or exit_code in _WINDOWS_OUT_OF_MEMORY or words_of_memory:
        return JobFailure(
            OUT_OF_MEMORY,
            f"The computing process was ended ({exit_meaning(exit_code)}), most likely for lack of memory.",
            CPU_HINT if offer_cpu else FREE_MEMORY_HINT,
            stderr_tail,
            offer_cpu,
        )
    return JobFailure(
        WORKER_CRASHED,
        f"The computing process ended without a result ({exit_meaning(exit_code)}).",
        (CPU_HINT if offer_cpu else "Try again.") + " If it happens again, copy the diagnostics and report them.",
        stderr_tail,
        offer_cpu,
    )


def exit_meaning(exit_code: int | None) -> str:
    """An exit code in words."""
    if exit_code is None:
        return "it does not answer"
    if exit_code < 0:
        try:
            return signal.Signals(-exit_code).name
        except ValueError:
            return f"signal {-exit_code}"
    unsigned = exit_code & 0xFFFFFFFF
    return _CRASH_NAMES.get(unsigned) or (hex(unsigned) if unsigned > 0xFFFF else f"exit code {exit_code}")


def _is_of_computer(error: BaseException) -> bool:
    """Whether it is the computer's own memory that is full: the CPU would not do with less."""
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in _COMPUTER_MEMORY_WORDS)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | errors.OutOfMemoryError) or type(error).__name__ in _OUT_OF_MEMORY_TYPES:
        return True
    if isinstance(error, errors.XRay3DError):
        return False
    return any(word in str(error).lower() for word in _OUT_OF_MEMORY_WORDS)
