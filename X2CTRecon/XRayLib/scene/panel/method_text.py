"""What a panel says about a method: a sentence beside the list, all of it when the mouse rests on the list."""

from __future__ import annotations

import html
from typing import Any


def in_short(text: str) -> str:
    """The first sentence, what a method does, and the last, where it ends."""
    first, _, rest = text.rstrip(".").partition(". ")
    last = rest.rpartition(". ")[2]
    return f"{first}. {last}." if last else f"{first}."


def method_tip_html(method: Any) -> str:
    """The method's whole summary and its citation."""
    citation = f"<br><i>{html.escape(method.citation)}</i>" if method.citation else ""
    return f"<p>{html.escape(method.summary)}{citation}</p>"
