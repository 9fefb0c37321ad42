"""What a result says about itself, as rich text for the panel."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from XRayLib.scene.provenance import read_json_attribute
from XRayLib.scene.reprojection_nodes import reprojection_of
from XRayLib.scene.volume_nodes import is_reconstruction


def quality_html(volume: Any, films: Sequence[Any], elsewhere: str = "") -> str:
    """Per film how much of it a result does not explain, then its warnings and its time; empty for other volumes.

    ``elsewhere`` says that the films are not those of the result, and stands in place of what it tells of them.

    From the attributes that put_result gave the nodes: a scene that is loaded again tells the same.
    """
    if not is_reconstruction(volume):
        return ""
    reprojections = [reprojection_of(film, volume) for film in films]
    residuals = [None if node is None else read_json_attribute(node, "Residual") for node in reprojections]
    lines = (
        [elsewhere]
        if elsewhere
        else [
            _("<b>X-ray {number}:</b> {percent:.0f} % of the contrast is not explained by the volume.").format(
                number=index, percent=100 * residual
            )
            for index, residual in enumerate(residuals, start=1)
            if residual is not None
        ]
    )
    warnings = read_json_attribute(volume, "Warnings", [])
    if warnings:
        lines.append("<ul>" + "".join(f"<li>{html.escape(warning)}</li>" for warning in warnings) + "</ul>")
    seconds = read_json_attribute(volume, "Provenance", {}).get("seconds")
    if isinstance(seconds, int | float):
        lines.append(_("Computed in {seconds:.1f} s.").format(seconds=seconds))
    return "<br>".join(lines)
