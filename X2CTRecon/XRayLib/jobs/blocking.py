"""Run one method to its end: the way of the command line, of a batch and of scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from XRayLib.case import Case, Options, Result
    from XRayLib.jobs.settings import WorkerSettings


def run_blocking(
    method_id: str,
    case: Case,
    options: Options | None = None,
    progress: Callable[[float, str], None] | None = None,
    *,
    in_process: bool = False,
    settings: WorkerSettings | None = None,
) -> Result:
    """Run a method on a case in a worker process of its own and return its Result.

    For many cases keep one WorkerClient and call its ``run_blocking``: models then stay loaded.

    Parameters
    ----------
    progress : ``progress(fraction, stage)``; an exception it raises cancels the job, as Ctrl-C does.
    in_process : run here, without a worker, for debugging; neither a crash nor memory is contained then.

    Raises
    ------
    XRay3DError
        Or the subclass that says what went wrong: InputError, RefusedError, CancelledError, OutOfMemoryError, ...
    """
    if in_process:
        from XRayLib.case import Options
        from XRayLib.geometry_estimation import run_with_estimated_geometry
        from XRayLib.registry import method
        from XRayLib.style_transfer import run_with_style_transfer

        chosen = method(method_id)
        chosen.check(case)
        return run_with_estimated_geometry(
            run_with_style_transfer, chosen, case, options or Options(), progress or _ignore
        )
    from XRayLib.jobs.client import WorkerClient

    with WorkerClient(settings=settings) as client:
        return client.run_blocking(method_id, case, options, progress)


def _ignore(_fraction: float, _stage: str) -> None:
    """No one listens."""
