"""What the chosen start means for this case, in words."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _
from XRayLib.errors import XRay3DError

from XRayRegistrationLib.landmark_pairs import is_enough
from XRayRegistrationLib.panel_case import has_been_placed, landmarks_of
from XRayRegistrationLib.panel_landmarks import missing_text


def start_hint(node: Any, films: list[Any]) -> str:
    """One sentence under the list of starts; empty while there is no CT."""
    if node.ctVolume is None:
        return ""
    start = node.start.value
    landmarks = landmarks_of(node.ctLandmarks, films)
    try:
        placed = has_been_placed(node.ctVolume)
    except XRay3DError as error:
        return str(error)
    if start == "auto":
        if placed:
            return _("Starts where the CT is now.")
        if is_enough(landmarks):
            return _("Starts from the landmarks.")
        return _("Searches around the middle of the X-rays.")
    if start == "given":
        return (
            _("Starts where the CT is now.") if placed else _("The CT is where it was scanned: place it by hand first.")
        )
    if start == "landmarks":
        return missing_text(landmarks)
    if start == "center":
        return _("Starts with the CT as it was scanned, its middle where the X-rays' central rays meet.")
    return _("Searches around the middle of the X-rays, wherever the CT is now.")
