"""Attributes that tell, in the saved scene, where a node came from. Prefix ``XRay3D.``; values are text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PREFIX = "XRay3D."
STATEMENT = "Research use only. Not a medical device. Internal detail from one or two X-rays is a plausible estimate."


def write_attributes(node: Any, values: Mapping[str, Any]) -> None:
    """Set ``XRay3D.<name>`` on an MRML node; anything but text is stored as JSON."""
    for name, value in values.items():
        node.SetAttribute(PREFIX + name, value if isinstance(value, str) else json.dumps(value, sort_keys=True))


def read_attribute(node: Any, name: str) -> str:
    """The text of ``XRay3D.<name>``, empty when absent."""
    return node.GetAttribute(PREFIX + name) or ""


def read_json_attribute(node: Any, name: str, default: Any = None) -> Any:
    """The JSON value of ``XRay3D.<name>``, ``default`` when absent."""
    text = read_attribute(node, name)
    return json.loads(text) if text else default
