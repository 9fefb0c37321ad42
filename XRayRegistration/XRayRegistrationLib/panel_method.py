"""Choice of the registration method, with what it is in words."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _
from XRayLib.prepared_method import PreparedMethod
from XRayLib.registry import REGISTERS, methods
from XRayLib.scene.panel.method_text import in_short, method_tip_html

DEFAULT_METHOD = "intensity"


class PoseMethodChoice:
    """Fills methodComboBox with the registered methods of registration; ``on_changed(method_id)`` on a choice."""

    def __init__(self, ui: Any, on_changed: Callable[[str], None]) -> None:
        self.ui = ui
        self._on_changed = on_changed
        found = [method for method in methods().values() if method.returns in REGISTERS]
        self.poseMethods = sorted(found, key=_rank)
        for method in self.poseMethods:
            ui.methodComboBox.addItem(method.title, method.id)
        ui.methodComboBox.connect("currentIndexChanged(int)", self._changed)
        self._show_card()

    @property
    def method(self) -> Any:
        """The chosen method; None when there is none at all."""
        index = self.ui.methodComboBox.currentIndex
        return self.poseMethods[index] if 0 <= index < len(self.poseMethods) else None

    @property
    def deforms(self) -> bool:
        """Whether the chosen method also deforms the CT, and so can be told an organ."""
        return self.method is not None and self.method.returns == "deformation"

    def select(self, method_id: str) -> None:
        """Show a choice that comes from the parameter node."""
        identifiers = [method.id for method in self.poseMethods]
        if method_id in identifiers and identifiers.index(method_id) != self.ui.methodComboBox.currentIndex:
            self.ui.methodComboBox.setCurrentIndex(identifiers.index(method_id))

    def _changed(self, _index: int) -> None:
        self._show_card()
        if self.method is not None:
            self._on_changed(self.method.id)

    def _show_card(self) -> None:
        if self.method is not None:
            self.ui.methodComboBox.toolTip = method_tip_html(self.method)
            summary = in_short(self.method.summary)
            if isinstance(self.method, PreparedMethod):
                summary += " " + _("The patient must be prepared first: see Prepare below.")
            self.ui.methodCardLabel.text = html.escape(summary)


def _rank(method: Any) -> tuple[bool, bool, str]:
    """The usual one first, those that deform last."""
    return method.id != DEFAULT_METHOD, method.returns != "pose", method.title
