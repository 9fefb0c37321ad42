"""The quality card: how sure the registration is, in which directions, and why it was refused."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from slicer.i18n import tr as _
from XRayLib.case import PoseQuality
from XRayLib.direction_errors import WEAK_MM, direction_errors
from XRayLib.geometry import XRayGeometry
from XRayLib.scene.panel.film_text import projection_name
from XRayLib.scene.panel.status_colors import status_color

LANDMARKS = "landmarks"
"""Method of a pose that comes from landmarks alone."""
BAR_CELLS = 12
BAR_CELL = "\N{FULL BLOCK}"
BAR_FULL_MM = 5.0
"""A bar of full length; longer ones are cut."""


def pose_quality_html(
    quality: PoseQuality,
    middle_world_mm: np.ndarray,
    geometries: Sequence[XRayGeometry],
    warnings: Sequence[str] = (),
    refused: bool | None = None,
) -> str:
    """Verdict, confidence, an error bar per direction, similarity, time and warnings, as rich text.

    ``geometries`` in world RAS, as of the registration; ``middle_world_mm`` is the middle of the CT in that pose.
    """
    refused = not quality.accepted if refused is None else refused
    parts = [_verdict(quality, refused, len(geometries))]
    if np.isfinite(quality.covariance_mm_rad).all() and quality.covariance_mm_rad.any():
        parts.append(_error_table(quality, middle_world_mm, geometries))
    parts += [_similarity(quality), _seconds(quality)]
    return "".join(part for part in [*parts, _list(warnings)] if part)


def _list(texts: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(text)}</li>" for text in texts) + "</ul>" if texts else ""


def _verdict(quality: PoseQuality, refused: bool, views: int) -> str:
    if refused:
        reason = html.escape(quality.reason or _("The result did not pass the quality check."))
        return f'<p style="color:{status_color("bad")}"><b>{_("Refused.")}</b> {reason}</p>'
    within = 2 if views > 1 else 5
    sure = _("{percent} sure that the mean error is below {within} mm.").format(
        percent=percent_text(quality.confidence), within=within
    )
    color = status_color("good" if quality.confidence >= 0.9 else "doubtful")
    return f'<p><b style="color:{color}">{_("Passed the quality check.")}</b> {html.escape(sure)}</p>'


def percent_text(probability: float) -> str:
    """A probability in percent; nothing is ever 100 % or 0 % sure."""
    percent = round(100 * probability)
    return "> 99 %" if percent > 99 else "< 1 %" if percent < 1 else f"{percent} %"


def _error_table(quality: PoseQuality, middle: np.ndarray, geometries: Sequence[XRayGeometry]) -> str:
    errors = direction_errors(quality.covariance_mm_rad, middle, geometries)
    rows = [
        _row(name, errors.shift_mm[axis])
        for axis, name in enumerate((_("Right - left"), _("Front - back"), _("Head - feet")))
    ]
    rows += [
        _row(_("Depth of X-ray {number} ({view})").format(number=n, view=projection_name(geometry)), depth)
        for n, (geometry, depth) in enumerate(zip(geometries, errors.depth_mm, strict=True), start=1)
    ]
    turn = _("Rotation: \N{PLUS-MINUS SIGN}{degrees:.2f}\N{DEGREE SIGN}").format(degrees=errors.rotation_deg.max())
    table = f'<table cellspacing="0" cellpadding="2">{"".join(rows)}</table><p>{turn}</p>'
    if len(geometries) == 1 and errors.depth_mm[0] > max(WEAK_MM, 3 * errors.across_mm[0]):
        text = _("Depth from one view is uncertain: \N{PLUS-MINUS SIGN}{mm:.1f} mm along the ray. Add a second view.")
        table += f'<p style="color:{status_color("doubtful")}"><b>{text.format(mm=errors.depth_mm[0])}</b></p>'
    return table


def _row(name: str, deviation_mm: float) -> str:
    weak = deviation_mm > WEAK_MM
    cells = max(1, min(BAR_CELLS, round(BAR_CELLS * deviation_mm / BAR_FULL_MM)))
    color = status_color("doubtful" if weak else "good")
    value = f"\N{PLUS-MINUS SIGN}{deviation_mm:.1f} mm" if deviation_mm >= 0.05 else "< 0.1 mm"
    shown = html.escape(value)
    bar = f'<span style="color:{color}">{BAR_CELL * cells}</span>'
    bold = ("<b>", "</b>") if weak else ("", "")
    return f"<tr><td>{name}:&nbsp;</td><td align='right'>{bold[0]}{shown}{bold[1]}&nbsp;</td><td>{bar}</td></tr>"


def _similarity(quality: PoseQuality) -> str:
    if not quality.similarity:
        return ""
    name = "similarity" if "similarity" in quality.similarity else next(iter(quality.similarity))
    text = _("Similarity of X-rays and projected CT: {value:.3f} (1 is perfect)")
    return "<p>" + text.format(value=quality.similarity[name]) + "</p>"


def similarity_tip(quality: PoseQuality) -> str:
    """All that was measured of the match, for the maintainer."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in quality.similarity.items())


def _seconds(quality: PoseQuality) -> str:
    if not quality.seconds:
        return ""
    total = quality.seconds.get("total", sum(quality.seconds.values()))
    return "<p>" + _("Computed in {seconds:.1f} s.").format(seconds=total) + "</p>"


def record_html(record: Any, middle_world_mm: np.ndarray, geometries: Sequence[XRayGeometry]) -> str:
    """The card of a pose that stands in the scene."""
    lines = []
    if record.confirmed and not record.moved_since:
        lines.append(f'<p><b style="color:{status_color("good")}">{_("Accepted by you.")}</b></p>')
    if not record.is_of(geometries):
        text = _("The X-rays have changed since the registration: check the contours, or refine.")
        lines.append(f'<p style="color:{status_color("doubtful")}"><b>{text}</b></p>')
    elif record.moved_since:
        lines.append("<p>" + _("Moved by hand since the last registration: check the contours, or refine.") + "</p>")
    elif record.quality is not None:
        refused = not record.quality.accepted
        lines.append(pose_quality_html(record.quality, middle_world_mm, geometries, record.warnings, refused))
    elif record.method == LANDMARKS:
        lines.append("<p>" + _("Placed by landmarks. Press Refine, then check the contours.") + "</p>")
        lines.append(_list(record.warnings))
    return "".join(lines)
