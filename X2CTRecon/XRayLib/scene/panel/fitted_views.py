"""Film views that show the whole film also after their size has changed, until the user zooms."""

from __future__ import annotations

from collections.abc import Sequence

import qt
import vtk

from XRayLib.scene.film_views import fit_film_views
from XRayLib.scene.layout import slice_logic
from XRayLib.scene.panel.node_observers import NodeObservers

Size = tuple[int, int]


class FittedViews:
    """Slicer keeps the height of what a resized view shows: in a view that was narrow once, the film stays small."""

    def __init__(self) -> None:
        self._fitted: dict[str, tuple[Size, float]] = {}
        self._waiting = False
        self._observers = NodeObservers((vtk.vtkCommand.ModifiedEvent,), self._changed)

    def fit(self, tags: Sequence[str]) -> None:
        """Fit these views, now and whenever they change their size."""
        self._observers.observe([])
        fit_film_views(tags)
        self._fitted = {tag: state for tag in tags if (state := _state(tag)) is not None}
        self._observers.observe([slice_logic(tag).GetSliceNode() for tag in self._fitted])

    def forget(self) -> None:
        """Leave the views to the user."""
        self._fitted = {}
        self._observers.observe([])

    def _changed(self) -> None:
        for tag, (size, height_mm) in list(self._fitted.items()):
            now = _state(tag)
            if now is None or now[1] != height_mm:
                del self._fitted[tag]  # the user has zoomed
            elif now[0] != size and not self._waiting:
                self._waiting = True
                qt.QTimer.singleShot(0, self._fit_again)

    def _fit_again(self) -> None:
        self._waiting = False
        self.fit(list(self._fitted))


def _state(tag: str) -> tuple[Size, float] | None:
    """Size in pixels and height in mm of what a view shows."""
    logic = slice_logic(tag)
    if logic is None:
        return None
    columns, rows, _slices = logic.GetSliceNode().GetDimensions()
    return (columns, rows), logic.GetSliceNode().GetFieldOfView()[1]
