"""The Compare section: two results, or a result and a reference CT, side by side, with what differs and the metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _
from XRayLib.ct import Volume
from XRayLib.errors import XRay3DError
from XRayLib.jobs.volume_jobs import comparison_job
from XRayLib.scene.comparison_nodes import ComparisonNodes, put_comparison
from XRayLib.scene.comparison_views import align_views, show_comparison
from XRayLib.scene.difference_colors import difference_colors
from XRayLib.scene.panel.allowed import allow
from XRayLib.scene.panel.job_bar import JobBar
from XRayLib.scene.radiograph_nodes import is_radiograph, radiograph_from_node
from XRayLib.scene.scene_step import SceneStep
from XRayLib.scene.volume_nodes import show_as_ct, volume_from_node


class ComparePanel:
    """Drives the Compare section. ``films()`` gives the X-rays; ``on_layout(switch)`` calls ``switch()`` when the views
    may change, which gives the layout the user had; ``on_undone()`` when a comparison was taken back."""

    def __init__(
        self,
        ui: Any,
        client: Any,
        bar: JobBar,
        films: Callable[[], Sequence[Any]],
        on_layout: Callable[[Callable[[], int | None]], None],
        on_undone: Callable[[], None],
    ) -> None:
        self.ui = ui
        self.client = client
        self._bar = bar
        self._films = films
        self._on_layout = on_layout
        self._on_undone = on_undone
        self._node: Any = None
        self._steps: list[SceneStep] = []
        self.showAgain: Callable[[], None] = self._on_undone
        """Shows the latest comparison, without one what is shown when it is taken back."""
        ui.compareButton.connect("clicked(bool)", self.compare)
        ui.undoComparisonButton.connect("clicked(bool)", self.undo)

    def follow(self, parameter_node: Any) -> None:
        """Work on this parameter node, or on none."""
        self._node = parameter_node

    def forget(self) -> None:
        """The scene is gone: nothing can be taken back."""
        self._steps = []
        self.showAgain = self._on_undone

    def refresh(self) -> None:
        """Compare is enabled, or says why not."""
        reason = self._reason_against()
        tip = _("Show both side by side and measure what differs.")
        allow(self.ui.compareButton, not reason, reason, tip)
        nothing = _("A job is running.") if self._bar.running else _("There is no comparison to take back.")
        allow(self.ui.undoComparisonButton, bool(self._steps) and not self._bar.running, nothing)

    def _reason_against(self) -> str:
        node = self._node
        first, others = node.compareFirst, [n for n in (node.compareSecond, node.compareReference) if n is not None]
        if self._bar.running:
            return _("A job is running.")
        if self._bar.tools.missing:
            return _("Install the components first.")
        if first is None:
            return _("Choose result A first.")
        if not others:
            return _("Choose result B or a reference CT.")
        if first in others or len(set(others)) < len(others):
            return _("Choose different volumes.")
        for chosen in (first, *others):
            if is_radiograph(chosen):
                return _("'{name}' is an X-ray: choose a CT volume.").format(name=chosen.GetName())
        return ""

    def compare(self, _checked: bool = False) -> None:
        """Measure in the worker, then show."""
        node = self._node
        first, second, reference = node.compareFirst, node.compareSecond, node.compareReference
        shown = [first, second or reference]
        try:
            results = {_("A: {name}").format(name=first.GetName()): volume_from_node(first)}
            if second is not None:
                results[_("B: {name}").format(name=second.GetName())] = volume_from_node(second)
            truth = None if reference is None else (_("Reference CT"), volume_from_node(reference))
            radiographs = [radiograph_from_node(film) for film in self._films()]
        except XRay3DError as error:
            self._bar.say(str(error))
            return
        place = next(iter(results.values())).ijk_to_ras

        def show(found: Any) -> None:
            if self._node is not None and all(n.GetScene() is not None for n in shown):
                self._show(shown, Volume(found["difference"], place, "HU"), found["rows"])

        self._bar.run(lambda calls: self.client.submit(comparison_job(results, truth, radiographs, calls)), show)

    def _show(self, shown: Sequence[Any], difference: Volume, rows: Sequence[Any]) -> None:
        with slicer.util.tryWithErrorDisplay(_("The comparison could not be shown."), waitCursor=True):
            difference_colors()  # shared with the films' overlays: no part of the step
            step = SceneStep()
            with step.recording(changed=[volume.GetDisplayNode() for volume in shown]):
                wanted = difference if self._node.compareDifference else None
                nodes = put_comparison(wanted, rows, " - ".join(volume.GetName() for volume in shown))
                for volume in shown:
                    volume.CreateDefaultDisplayNodes()
                    show_as_ct(volume)
            self._steps.append(step)
            columns = [*shown, nodes.difference] if nodes.difference is not None else shown
            self.showAgain = lambda: self._on_layout(lambda: _show_columns(columns, nodes))
            self.showAgain()
            self.refresh()

    def undo(self, _checked: bool = False) -> None:
        """Take the last comparison out of the scene."""
        if self._steps:
            self._steps.pop().undo()
            self.showAgain = self._on_undone
            self.refresh()
            self._on_undone()


def _show_columns(columns: Sequence[Any], nodes: ComparisonNodes) -> int | None:
    if any(volume.GetScene() is None for volume in columns):
        return None  # deleted while the user was in another module
    qt.QTimer.singleShot(0, lambda: align_views(columns))
    return show_comparison(columns, nodes)
