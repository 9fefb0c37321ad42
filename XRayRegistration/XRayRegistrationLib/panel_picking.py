"""Placing points with the mouse: Slicer's place mode, on as long as the Pick button is down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer


class Picking:
    """``button`` is checkable; ``target()`` is the markups list that points go to."""

    def __init__(self, button: Any, target: Callable[[], Any]) -> None:
        self._button = button
        self._target = target
        self._observation: int | None = None
        button.connect("toggled(bool)", self._toggled)

    @property
    def active(self) -> bool:
        """Whether a click in a view places a point."""
        node = _interaction_node()
        return node is not None and node.GetCurrentInteractionMode() == node.Place

    def retarget(self, _index: int = 0) -> None:
        """Points go to another list from now on."""
        if self._button.checked:
            self._start()

    def stop(self) -> None:
        """Leave the place mode."""
        if self._button.checked:
            self._button.setChecked(False)

    def _toggled(self, down: bool) -> None:
        if down:
            self._start()
        else:
            self._stop_observing()
            node = _interaction_node()
            if node is not None and self.active:
                node.SetCurrentInteractionMode(node.ViewTransform)

    def _start(self) -> None:
        logic = slicer.modules.markups.logic()
        logic.SetActiveList(self._target())
        logic.StartPlaceMode(True)
        node = _interaction_node()
        if self._observation is None:
            self._observation = node.AddObserver(node.InteractionModeChangedEvent, self._mode_changed)

    def _mode_changed(self, _caller: Any, _event: str) -> None:
        """The user pressed Escape or chose another mouse mode."""
        if not self.active:
            self.stop()

    def _stop_observing(self) -> None:
        node = _interaction_node()
        if self._observation is not None and node is not None:
            node.RemoveObserver(self._observation)
        self._observation = None


def _interaction_node() -> Any:
    return slicer.app.applicationLogic().GetInteractionNode()
