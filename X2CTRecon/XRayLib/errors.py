"""The few ways anything here fails, each with the exit code of the command line."""

from __future__ import annotations


class XRay3DError(Exception):
    """A failure that is explained to the user in one sentence that says what to do.

    ``exit_code`` is the command line's: 1 failure, 2 bad input, 3 refused by a quality check.
    ``code`` is a stable identifier for the worker protocol and for tests.
    """

    exit_code = 1
    code = "failed"


class InputError(XRay3DError):
    """The user's input cannot be used as it is."""

    exit_code = 2
    code = "bad_input"


class RefusedError(XRay3DError):
    """The computation ran, but its quality check refuses the result."""

    exit_code = 3
    code = "refused"


class CancelledError(XRay3DError):
    """The user cancelled the job."""

    code = "cancelled"


class OutOfMemoryError(XRay3DError):
    """The device or the computer ran out of memory; running on the CPU may help."""

    code = "out_of_memory"


class MissingDependencyError(XRay3DError):
    """A Python package or a device backend that this step needs is not installed."""

    code = "missing_dependency"
