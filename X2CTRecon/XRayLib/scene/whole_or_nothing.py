"""Leave the scene as it was: a group of nodes appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def whole_or_nothing() -> Iterator[None]:
    """Remove every node added inside the block when the block raises."""
    import slicer

    scene = slicer.mrmlScene
    before = {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}
    try:
        yield
    except BaseException:
        for index in reversed(range(scene.GetNumberOfNodes())):
            node = scene.GetNthNode(index)
            if node is not None and node.GetID() not in before:
                scene.RemoveNode(node)
        raise
