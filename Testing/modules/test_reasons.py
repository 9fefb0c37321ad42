"""What cannot be used in an empty panel says what is missing."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

pytestmark = pytest.mark.slicer

REASON = re.compile(r"\b(first|needs|No|Nothing|nothing|two or more)\b")
KINDS = ("QPushButton", "QCheckBox", "ctkSliderWidget")


@pytest.mark.parametrize("name", ["X2CTRecon", "XRayRegistration"])
def test_a_disabled_widget_gives_the_reason(slicer_main_window, load_module, name) -> None:
    load_module("X2CTRecon")
    load_module("XRayRegistration")
    widget = slicer_main_window.open_module(name)
    own = [vars(widget.ui)[key] for key in sorted(vars(widget.ui))]
    disabled = [w for w in own if hasattr(w, "toolTip") and _is_kind(w) and not w.enabled and not w.isHidden()]
    assert len(disabled) >= 5
    silent = {w.name: w.toolTip for w in disabled if not REASON.search(w.toolTip)}
    assert silent == {}
    widget.panel.close()


def _is_kind(widget) -> bool:
    return any(widget.inherits(kind) for kind in KINDS)


def test_a_tip_comes_back_when_its_widget_can_be_used(slicer_main_window) -> None:
    import qt
    from XRayLib.scene.panel.allowed import allow

    button = qt.QPushButton()
    button.toolTip = "Take it back."
    allow(button, False, "There is nothing to take back.")
    assert not button.enabled
    assert "nothing" in button.toolTip
    allow(button, False, "A job is running.")
    allow(button, True, "")
    assert button.enabled
    assert "Take it back." in button.toolTip
