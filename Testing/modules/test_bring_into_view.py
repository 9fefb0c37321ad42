"""A result far down in a long panel."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")


@pytest.mark.parametrize("in_area", [True, False])
def test_a_result_is_scrolled_to(slicer_main_window, in_area: bool) -> None:
    import qt
    from XRayLib.scene.panel.bring_into_view import bring_into_view

    panel = qt.QWidget()
    rows = qt.QVBoxLayout(panel)
    labels = [qt.QLabel(f"Line {number}") for number in range(100)]
    for label in labels:
        rows.addWidget(label)
    area = qt.QScrollArea()
    if in_area:
        area.setWidget(panel)
        area.resize(200, 150)
        area.show()
        slicer_main_window.process_events()
        assert labels[90].visibleRegion().isEmpty()
    bring_into_view(labels[90])
    slicer_main_window.process_events()
    assert labels[90].visibleRegion().isEmpty() == (not in_area)
    assert not in_area or labels[0].visibleRegion().isEmpty()
    area.close()
