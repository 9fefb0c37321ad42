"""VTK observers that go when the observed object changes or the widget that observes is deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import shiboken6


class Observation:
    """Calls one method of a widget on some events of at most one VTK object at a time."""

    def __init__(self, owner: Any, events: Iterable[Any], function: Callable[[], None]) -> None:
        self._owner = owner
        self._events = tuple(events)
        self._function = function
        self._observed: Any = None
        self._tags: list[int] = []

    def observe(self, vtk_object: Any) -> None:
        """Observe ``vtk_object`` instead of what was observed before; None for nothing."""
        for tag in self._tags:
            self._observed.RemoveObserver(tag)
        self._observed = vtk_object
        self._tags = []
        if vtk_object is not None:
            self._tags = [vtk_object.AddObserver(event, self._on_event) for event in self._events]

    def _on_event(self, *_: Any) -> None:
        if shiboken6.isValid(self._owner):
            self._function()
        else:
            self.observe(None)
