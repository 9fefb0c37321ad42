"""Observers on a changing set of nodes, of which none is left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class NodeObservers:
    """Calls ``on_event()`` whenever one of ``events`` happens to one of the observed nodes."""

    def __init__(self, events: Sequence[Any], on_event: Callable[[], None]) -> None:
        self._events = tuple(events)
        self._on_event = on_event
        self._observed: list[tuple[Any, list[int]]] = []

    def observe(self, nodes: Sequence[Any]) -> None:
        """Observe exactly these nodes; None among them is skipped."""
        nodes = [node for node in nodes if node is not None]
        if [node for node, _tags in self._observed] == nodes:
            return
        for node, tags in self._observed:
            for tag in tags:
                node.RemoveObserver(tag)
        self._observed = [(node, [node.AddObserver(event, self._happened) for event in self._events]) for node in nodes]

    def _happened(self, _caller: Any, _event: str) -> None:
        self._on_event()
