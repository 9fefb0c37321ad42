"""A result is seen where it is told, on small screens too."""

from __future__ import annotations

from typing import Any

import qt

MARGIN_PX = 40


def bring_into_view(widget: Any) -> None:
    """Scroll the panel to a widget, once what was changed in it has been laid out."""
    qt.QTimer.singleShot(0, lambda: _scroll_to(widget))


def _scroll_to(widget: Any) -> None:
    area = widget.parentWidget()
    while area is not None and not area.inherits("QScrollArea"):
        area = area.parentWidget()
    if area is not None:
        area.ensureWidgetVisible(widget, 0, MARGIN_PX)
