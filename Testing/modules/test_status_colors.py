"""Texts that say whether something is good can be read in Slicer's light and dark styles."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

pytestmark = pytest.mark.slicer

READABLE = 4.5
"""Least contrast of a text to its background, WCAG 2.2, 1.4.3."""


def luminance(color) -> float:
    """Relative luminance of an sRGB colour, as WCAG defines it."""
    levels = (color.redF(), color.greenF(), color.blueF())
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("window", ["#ffffff", "#efefef", "#353535", "#232323"])
@pytest.mark.parametrize("status", ["good", "doubtful", "bad"])
def test_every_status_can_be_read(slicer_main_window, monkeypatch, window, status) -> None:
    import qt
    import slicer
    from XRayLib.scene.panel.status_colors import status_color

    palette = qt.QPalette()
    palette.setColor(qt.QPalette.Window, qt.QColor(window))
    monkeypatch.setattr(slicer.app, "palette", lambda: palette)
    assert contrast(qt.QColor(status_color(status)), qt.QColor(window)) >= READABLE
