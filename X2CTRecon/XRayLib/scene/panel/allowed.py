"""Widgets that cannot be used now, and say why."""

from __future__ import annotations

from typing import Any

OWN_TIP = "XRay3DToolTip"
"""Property of a widget that keeps the tool tip of its .ui file."""


def allow(widget: Any, allowed: bool, reason: str, tip: str | None = None) -> None:
    """Enable a widget with a tool tip, by default its own, or disable it with the reason in the tip's place."""
    if widget.property(OWN_TIP) is None:
        widget.setProperty(OWN_TIP, widget.toolTip)
    widget.enabled = allowed
    widget.toolTip = reason if not allowed else widget.property(OWN_TIP) if tip is None else tip
