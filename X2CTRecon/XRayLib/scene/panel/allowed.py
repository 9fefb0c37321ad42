"""Widgets that cannot be used now, and say why."""

from __future__ import annotations

from typing import Any

OWN_TIP = "XRay3DToolTip"
"""Property of a widget that keeps the tool tip of its .ui file."""


def allow(widget: Any, allowed: bool, reason: str) -> None:
    """Enable a widget with its own tool tip, or disable it with the reason in the tip's place."""
    if widget.property(OWN_TIP) is None:
        widget.setProperty(OWN_TIP, widget.toolTip)
    widget.enabled = allowed
    widget.toolTip = widget.property(OWN_TIP) if allowed else reason
