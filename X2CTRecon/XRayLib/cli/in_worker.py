"""A command runs its method in the worker process, as the Slicer modules do."""

from __future__ import annotations

from XRayLib.case import Case, Options, Result
from XRayLib.errors import InputError
from XRayLib.registry import Method, Progress, method


def method_that_returns(method_id: str, *returns: str) -> Method:
    """The method; InputError for one that returns none of these, of which the first is the name for all."""
    chosen = method(method_id)
    if chosen.returns not in returns:
        raise InputError(f"{chosen.title} does not return a {returns[0]}: choose another --method.")
    return chosen


def run_in_worker(case: Case, method_id: str, options: Options, progress: Progress, *returns: str) -> Result:
    """The method's result; InputError as of ``method_that_returns``, and for a case that the method cannot take."""
    from XRayLib.jobs import run_blocking

    method_that_returns(method_id, *returns).check(case)
    return run_blocking(method_id, case, options, progress)
