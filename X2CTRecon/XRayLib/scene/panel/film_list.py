"""The rows of the films in a case, kept equal to a list of nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from XRayLib.scene.panel.film_row import FilmRow


class FilmList:
    """Rows inside ``layout``, one per node, in order; rows of unchanged nodes are kept."""

    def __init__(
        self,
        layout: Any,
        on_remove: Callable[[Any], None],
        on_changed: Callable[[Any], None],
        on_viewed: Callable[[Any, bool], None],
    ) -> None:
        self._layout = layout
        self._callbacks = (on_remove, on_changed, on_viewed)
        self.rows: list[FilmRow] = []

    def show(self, nodes: Sequence[Any]) -> None:
        """Make the rows those of ``nodes``, as these are now."""
        kept = {row.node.GetID(): row for row in self.rows}
        wanted = [node.GetID() for node in nodes]
        for node_id in set(kept) - set(wanted):
            row = kept.pop(node_id)
            self._layout.removeWidget(row.widget)
            row.widget.hide()
            row.widget.deleteLater()
        for row in kept.values():
            row.update()
        self.rows = [kept.get(node.GetID()) or FilmRow(node, *self._callbacks) for node in nodes]
        for index, row in enumerate(self.rows):
            self._layout.insertWidget(index, row.widget)

    def show_viewed(self, viewed: Sequence[Any], among: Sequence[Any]) -> None:
        """Tick the films that have a view; those ``among`` which the user can choose have a box to tick."""
        viewed_ids, among_ids = ({node.GetID() for node in nodes} for nodes in (viewed, among))
        for row in self.rows:
            row.show_viewed(row.node.GetID() in viewed_ids, row.node.GetID() in among_ids)
