"""The views show one reconstruction: tissues and rendering of the others go out of them, and come back with theirs."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed")

from XRayLib.case import Result
from XRayLib.ct import Volume
from XRayLib.scene.other_results import show_only
from XRayLib.scene.show_result import ShownResult, put_result
from XRayLib.scene.volume_nodes import show_volume_rendering

pytestmark = pytest.mark.slicer


def put(method: str, over: ShownResult | None = None) -> ShownResult:
    volume = Volume.axis_aligned(np.zeros((8, 8, 8), np.float32), (3.0, 3.0, 3.0))
    labels = Volume.axis_aligned(np.full((8, 8, 8), 2, np.float32), (3.0, 3.0, 3.0), (0.0, 0.0, 0.0), "label")
    return put_result(Result(method, volume, labels=labels), [], volume_node=None if over is None else over.volume)


def test_tissues_of_another_result_leave_and_come_back_with_their_own(session) -> None:
    first, second = put("atlas"), put("lifting")
    show_only(second.volume)
    assert not first.tissues.GetDisplayVisibility()
    assert second.tissues.GetDisplayVisibility()
    again = put("atlas", over=first)
    show_only(again.volume)
    assert again.tissues.GetDisplayVisibility()
    assert not second.tissues.GetDisplayVisibility()


def test_tissues_that_the_user_hid_stay_hidden(session) -> None:
    first, second = put("atlas"), put("lifting")
    first.tissues.SetDisplayVisibility(False)
    show_only(second.volume)
    show_only(put("atlas", over=first).volume)
    assert not first.tissues.GetDisplayVisibility()


def test_only_other_reconstructions_are_no_longer_rendered(session) -> None:
    import slicer

    logic = session.logic("VolumeRendering")
    own_ct = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    first, second = put("atlas"), put("lifting")
    displays = [show_volume_rendering(node, logic) for node in (first.volume, second.volume)]
    foreign = logic.CreateDefaultVolumeRenderingNodes(own_ct)
    foreign.SetVisibility(True)
    show_only(second.volume)
    assert [bool(display.GetVisibility()) for display in displays] == [False, True]
    assert foreign.GetVisibility()
