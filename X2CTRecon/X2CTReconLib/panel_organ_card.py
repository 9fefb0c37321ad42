"""What an organ's result says about itself, as rich text."""

from __future__ import annotations

import html
from typing import Any

from slicer.i18n import tr as _
from XRayLib.scene.organ_nodes import measures_of
from XRayLib.scene.provenance import read_attribute, read_json_attribute


def organ_html(organ: Any) -> str:
    """Motion, error bars, volumes, agreement with the films, warnings and time of an organ's model; empty for None."""
    if organ is None:
        return ""
    numbers, quality = measures_of(organ), read_json_attribute(organ, "Quality", {})
    lines = [_motion(read_attribute(organ, "Organ"), numbers)]
    if "deviation_median_mm" in numbers:
        lines.append(
            _("Error bars: {median:.1f} mm (median), up to {most:.1f} mm.").format(
                median=numbers["deviation_median_mm"], most=numbers["deviation_most_mm"]
            )
        )
    else:
        lines.append(_("This method gives no error bars."))
    lines.append(
        _("Volume: {planned:.0f} ml planned, {now:.0f} ml now ({difference:+.0f} ml).").format(
            planned=numbers["planned_ml"], now=numbers["now_ml"], difference=numbers["difference_ml"]
        )
    )
    if "similarity" in quality:
        lines.append(
            _("Agreement with the X-rays: {value:.3f}, {before:.3f} before it was improved on them.").format(
                value=quality["similarity"], before=quality["similarity_before"]
            )
        )
    warnings = read_json_attribute(organ, "Warnings", [])
    if warnings:
        lines.append("<ul>" + "".join(f"<li>{html.escape(warning)}</li>" for warning in warnings) + "</ul>")
    lines.append(_("Computed in {seconds:.2f} s.").format(seconds=numbers["seconds"]))
    return "<br>".join(lines)


def _motion(name: str, numbers: dict[str, float]) -> str:
    if "moved_mean_mm" not in numbers:
        return f"<b>{html.escape(name)}</b>"
    return _("<b>{name}</b> has moved by {mean:.1f} mm on average, up to {most:.1f} mm.").format(
        name=html.escape(name), mean=numbers["moved_mean_mm"], most=numbers["moved_most_mm"]
    )
