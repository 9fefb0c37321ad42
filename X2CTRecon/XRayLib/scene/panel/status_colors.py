"""Colours of texts that say whether something is good, readable on light and on dark panels."""

from __future__ import annotations

import qt
import slicer

ON_LIGHT = {"good": "#276b2a", "doubtful": "#8a5200", "bad": "#c62828"}
ON_DARK = {"good": "#81c784", "doubtful": "#ffb74d", "bad": "#ff9c94"}
MIDDLE = 128


def status_color(status: str) -> str:
    """As ``#rrggbb``, for the panels as they are now; ``status`` is "good", "doubtful" or "bad"."""
    lightness = slicer.app.palette().color(qt.QPalette.Window).lightness()
    return (ON_DARK if lightness < MIDDLE else ON_LIGHT)[status]
