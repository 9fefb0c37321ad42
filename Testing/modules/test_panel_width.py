"""Panels stand beside the views: whatever they say, they need no more width than Slicer gives a module."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from modules.films import a_film, an_assumed_film
from XRayLib.scene.radiograph_nodes import put_radiograph

pytestmark = pytest.mark.slicer

MOST_PX = 480
LONG = "A long sentence of what went wrong with this patient's X-rays, and what can be done about it now. " * 3


@pytest.mark.parametrize("name", ["X2CTRecon", "XRayRegistration"])
def test_no_method_and_no_message_widens_a_panel(slicer_main_window, load_module, name) -> None:
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module(name)
    combo = widget.ui.methodComboBox
    widths = {}
    for index in range(combo.count):
        combo.setCurrentIndex(index)
        widget.panel.say(LONG)
        widget.ui.qualityLabel.text = LONG
        slicer_main_window.process_events()
        widths[combo.itemText(index)] = widget.parent.minimumSizeHint.width()
    assert len(widths) > 3
    assert max(widths.values()) <= MOST_PX, widths


@pytest.mark.parametrize("name", ["X2CTRecon", "XRayRegistration"])
def test_a_long_file_name_does_not_widen_a_panel(slicer_main_window, load_module, name) -> None:
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module(name)
    for film in (a_film(), an_assumed_film("LL")):
        widget.panel.addFilm(put_radiograph(film, "1.3.6.1.4.1.14519.5.2.1.6279.6001." + "123456789" * 9))
    slicer_main_window.process_events()
    assert widget.parent.minimumSizeHint.width() <= MOST_PX
