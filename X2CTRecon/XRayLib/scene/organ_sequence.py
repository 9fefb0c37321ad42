"""An organ that moves with a run of X-rays: sequences of its surface and outlines in the run's browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from XRayLib.scene.film_run import new_frame_sequence, show_through
from XRayLib.scene.organ_contours import outlines_of
from XRayLib.scene.organ_nodes import measures_of
from XRayLib.scene.organ_result import OrganNodes
from XRayLib.scene.scene_step import SceneStep


def store_frame(browser: Any, value: str, nodes: OrganNodes, films: Sequence[Any], step: SceneStep) -> None:
    """Organ and outlines as they are now belong to the frame of that index value, as a part of ``step``.

    At frames that have none nothing is drawn, whatever was drawn before.
    """
    shown = [nodes.now, *(line for film in films for line in outlines_of(film))]
    with step.recording([browser.GetSequenceNode(node) for node in shown]):
        surfaces = [_copy_of(node.GetPolyData()) for node in shown]
        for node, surface in zip(shown, surfaces, strict=True):
            # Storing the node before has put into this one what the frame had until now.
            node.SetAndObservePolyData(surface)
            _store(browser, node, value)


def frame_measures(browser: Any, node: Any) -> dict[str, dict[str, float]]:
    """The organ's measures by the index values of the frames that have one."""
    sequence = None if browser is None or node is None else browser.GetSequenceNode(node)
    if sequence is None:
        return {}
    return {
        sequence.GetNthIndexValue(index): measures_of(sequence.GetNthDataNode(index))
        for index in range(sequence.GetNumberOfDataNodes())
    }


def _copy_of(surface: Any) -> Any:
    import vtk

    copy = vtk.vtkPolyData()
    copy.DeepCopy(surface)
    return copy


def _store(browser: Any, node: Any, value: str) -> None:
    sequence = browser.GetSequenceNode(node)
    if sequence is not None:
        sequence.SetDataNodeAtValue(node, value)
        return
    sequence = new_frame_sequence(node.GetName() + " per frame")
    sequence.SetDataNodeAtValue(node, value)
    show_through(browser, sequence, node)
    browser.SetMissingItemMode(sequence, browser.MissingItemSetToDefault)
