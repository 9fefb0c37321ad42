"""``slicer.testing``: how ctest runs a module's own tests."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Sequence


def exitSuccess() -> None:
    """End a test script well."""


def exitFailure(message: str = "") -> None:
    """End a test script badly."""
    raise RuntimeError(message)


def runUnitTest(path: str | Sequence[str], testname: str) -> None:
    """Run the unittest cases of a module found on ``path``; RuntimeError when any fails."""
    sys.path.extend([path] if isinstance(path, str) else path)
    suite = unittest.TestLoader().loadTestsFromName(testname)
    if not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful():
        exitFailure(f"{testname} failed")
