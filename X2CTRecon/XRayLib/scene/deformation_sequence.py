"""One deformation per frame: sequences of the deformation and its error bars, beside the poses of the frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from XRayLib.scene.deformation_nodes import nothing_moves, uncertainty_node
from XRayLib.scene.film_run import new_frame_sequence, show_through


def store_deformation(browser: Any, node: Any, value: str, values: Iterable[str]) -> None:
    """The deformation and its error bars as they are now belong to the frame of that index value.

    The first time the other frames, ``values``, get none: nothing moves there.
    """
    parts = [part for part in (node, uncertainty_node(node)) if part is not None]
    # Storing one part shows what the frame had until now in the other.
    for part, copy in [(part, _copy_of(part)) for part in parts]:
        sequence = browser.GetSequenceNode(part)
        if sequence is not None:
            sequence.SetDataNodeAtValue(copy, value)
            continue
        sequence = new_frame_sequence(part.GetName() + " per frame")
        sequence.SetDataNodeAtValue(copy, value)
        for other in values if part is node else ():
            _give_none(sequence, other)
        show_through(browser, sequence, part)
        browser.SetMissingItemMode(sequence, browser.MissingItemSetToDefault)


def open_deformation(browser: Any, node: Any, value: str) -> None:
    """The frame of that index value, which is going to be shown, has a deformation: its own, or none."""
    sequence = None if browser is None or node is None else browser.GetSequenceNode(node)
    if sequence is not None:
        _give_none(sequence, value)


def _give_none(sequence: Any, value: str) -> None:
    if sequence.GetItemNumberFromIndexValue(value) < 0:
        sequence.SetDataNodeAtValue(nothing_moves(), value)


def _copy_of(node: Any) -> Any:
    copy = node.CreateNodeInstance()
    copy.UnRegister(None)
    copy.CopyContent(node, True)
    copy.SetName(node.GetName())
    return copy
