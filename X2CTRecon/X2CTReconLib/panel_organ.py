"""An organ's result in the panel: into the scene in one step, how it is shown, and out again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _
from XRayLib.case import Result
from XRayLib.scene.film_run import remove_sequence
from XRayLib.scene.film_views import film_view_ids
from XRayLib.scene.organ_contours import show_outlines
from XRayLib.scene.organ_nodes import is_organ, measures_of, show_organ_as
from XRayLib.scene.organ_result import OrganInput, OrganNodes, put_organ_result
from XRayLib.scene.organ_sequence import frame_measures, store_frame
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.provenance import read_attribute
from XRayLib.scene.scene_step import SceneStep

HIGHEST = {"displacement_mm": "moved_most_mm", "deviation_mm": "deviation_most_mm"}
"""The measure at which a colouring ends."""


class OrganPanel:
    """Drives the Organ section; a parameter node keeps the nodes and the choices. ``on_changed()`` after an undo."""

    def __init__(self, ui: Any, on_changed: Callable[[], None]) -> None:
        self.ui = ui
        self._on_changed = on_changed
        self._node: Any = None
        self._steps: list[tuple[SceneStep, OrganNodes]] = []
        self._played: tuple[Any, Any] = (None, None)
        """The organ that was drawn last, and the sequence of its frames."""
        ui.undoButton.connect("clicked(bool)", self.undo)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node

    def forget(self) -> None:
        """The scene is gone: nothing can be taken back."""
        self._steps = []
        self._played = (None, None)

    @property
    def nodes(self) -> OrganNodes:
        """Of the latest result that is still there."""
        return OrganNodes(self._node.organNow, self._node.organPlanned, self._node.organTable)

    def begin(self) -> SceneStep:
        """A step that the user can take back once ``take`` has put something into it."""
        return SceneStep()

    def take(
        self, result: Result, given: OrganInput, step: SceneStep, seconds: float, run: tuple[Any, str] | None = None
    ) -> None:
        """Put a result into the scene; ``run`` is the browser and the index value of its frame."""
        before = self.nodes
        frame = "" if run is None else str(run[0].GetMasterSequenceNode().GetItemNumberFromIndexValue(run[1]) + 1)
        nodes = put_organ_result(result, given, self._former(given), step, seconds, frame)
        if run is not None:
            store_frame(*run, nodes, given.films, step)
        if all(taken is not step for taken, _nodes in self._steps):
            self._steps.append((step, before))
        self._remember(nodes)

    def undo(self, _checked: bool = False) -> None:
        """Take the last result back."""
        if self._steps:
            step, nodes = self._steps.pop()
            step.undo()
            self._remember(nodes)
            self._on_changed()

    def refresh(self, films: Sequence[Any], busy: bool) -> None:
        """Draw the organ and its outlines as chosen."""
        node = self._node
        self._forget_deleted()
        now, planned = node.organNow, node.organPlanned
        exists = now is not None
        self.ui.organCollapsibleButton.setVisible(exists or bool(self._steps))
        reason = _("A job is running.") if busy else _("There is nothing to take back.")
        tip = _("Take the last result out of the scene again.")
        allow(self.ui.undoButton, bool(self._steps) and not busy, reason, tip)
        if exists:
            scalar = node.organColoring.value
            show_organ_as(now, scalar, self._highest(scalar))
        if planned is not None and planned.GetDisplayNode() is not None:
            planned.GetDisplayNode().SetVisibility(node.showPlanned)
        for film in films:
            views = film_view_ids(film, with_3d=False)
            outlines = node.showOutlines and exists and bool(views)
            show_outlines(film, outlines, outlines and node.showPlanned, views)

    def _forget_deleted(self) -> None:
        """An organ that the user deletes is gone at every frame: its sequence would bring it back, as another node."""
        organ, sequence = self._played
        if organ is not None and organ.GetScene() is None:
            remove_sequence(sequence)
        now, browser = self._node.organNow, self._node.sequenceBrowser
        self._played = (now, None if now is None or browser is None else browser.GetSequenceNode(now))

    def _highest(self, scalar: str) -> float | None:
        """The same for all frames of a run."""
        name, node = HIGHEST.get(scalar, ""), self._node
        frames = [*frame_measures(node.sequenceBrowser, node.organNow).values(), measures_of(node.organNow)]
        return max((numbers[name] for numbers in frames if name in numbers), default=None)

    def _former(self, given: OrganInput) -> OrganNodes:
        """The nodes to write over: those of the same organ; every organ has a row in the same table."""
        nodes = self.nodes
        named = nodes.planned if nodes.planned is not None else nodes.now
        same = named is not None and read_attribute(named, "Organ") == given.source.look().name
        return nodes if same else OrganNodes(table=nodes.table)

    def _remember(self, nodes: OrganNodes) -> None:
        node = self._node
        node.organNow, node.organPlanned, node.organTable = map(_if_there, (nodes.now, nodes.planned, nodes.table))


def _if_there(node: Any) -> Any:
    return None if node is None or node.GetScene() is None else node


def shown_organ(node: Any) -> Any:
    """The organ's model when the shown frame has one."""
    return node.organNow if node is not None and is_organ(node.organNow) else None
