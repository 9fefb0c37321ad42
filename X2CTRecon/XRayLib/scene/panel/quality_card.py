"""What a result says about itself, as rich text for the panel."""

from __future__ import annotations

import html

from slicer.i18n import tr as _

from XRayLib.case import Result


def quality_html(result: Result) -> str:
    """Per view how much of the film is not explained, then the warnings, then the time."""
    lines = [
        _("<b>X-ray {number}:</b> {percent:.0f} % of the contrast is not explained by the volume.").format(
            number=index, percent=100 * view.residual
        )
        for index, view in enumerate(result.views, start=1)
    ]
    if result.warnings:
        lines.append("<ul>" + "".join(f"<li>{html.escape(warning)}</li>" for warning in result.warnings) + "</ul>")
    seconds = result.provenance.get("seconds")
    if isinstance(seconds, int | float):
        lines.append(_("Computed in {seconds:.1f} s.").format(seconds=seconds))
    return "<br>".join(lines)
