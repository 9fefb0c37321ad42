"""Exceptions that Slicer prints and counts instead of raising: in Qt slots, VTK observers, timers, virtual methods.

In Slicer with ``--testing`` any of them makes the run fail although every assertion passed; here they fail the test.
"""

from __future__ import annotations

import sys
import traceback
from types import TracebackType


class RecordedErrors:
    """Collects what reaches ``sys.excepthook`` and what the host itself finds wrong."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._previous = sys.excepthook

    def install(self) -> None:
        """Take over ``sys.excepthook``, which Qt slots and VTK observers report to."""
        self._previous = sys.excepthook
        sys.excepthook = self._hook

    def remove(self) -> None:
        """Give ``sys.excepthook`` back."""
        sys.excepthook = self._previous

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._previous(kind, error, trace)
            return
        self.texts.append("".join(traceback.format_exception(kind, error, trace)))

    def add(self, text: str) -> None:
        """Record something that real Slicer would report as an error."""
        self.texts.append(text)

    def take(self) -> list[str]:
        """The errors so far; forgets them."""
        texts, self.texts = self.texts, []
        return texts
