"""One step of the user's: what it adds to the scene and changes in it, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class SceneStep:
    """Nodes added and changed while it records. Deleted nodes do not come back: a step deletes none."""

    def __init__(self) -> None:
        self._added: list[str] = []
        self._former: dict[str, Any] = {}

    @contextmanager
    def recording(self, changed: Iterable[Any] = ()) -> Iterator[None]:
        """A part of the step; the nodes it is going to change are named, None among them is skipped.

        When the part raises, the whole step is taken back.
        """
        import slicer

        for node in changed:
            if node is not None and node.GetID() not in (*self._added, *self._former):
                self._former[node.GetID()] = _copy_of(node)
        before = _node_ids(slicer.mrmlScene)
        try:
            yield
        except BaseException:
            self._added += _new_ids(slicer.mrmlScene, before)
            self.undo()
            raise
        self._added += _new_ids(slicer.mrmlScene, before)

    def undo(self) -> None:
        """The scene as it was before the step."""
        import slicer

        scene = slicer.mrmlScene
        added = [scene.GetNodeByID(node_id) for node_id in reversed(self._added)]
        for node in sorted((n for n in added if n is not None), key=lambda n: bool(n.IsA("vtkMRMLDisplayNode"))):
            if node.GetScene() is not None:
                _leave_browsers(node)
                parts = _parts(node)
                scene.RemoveNode(node)  # before its parts: Slicer reports an error of a node that has lost its own
                for part in parts:
                    if part.GetScene() is not None:
                        scene.RemoveNode(part)
        with _batch(scene):  # while a node is copied it has no display, of which Slicer would report an error
            for node_id, former in self._former.items():
                node = scene.GetNodeByID(node_id)
                if node is not None:
                    node.Copy(former)
        self._added, self._former = [], {}


@contextmanager
def _batch(scene: Any) -> Iterator[None]:
    """Views and lists of nodes wait until the end of the block."""
    scene.StartState(scene.BatchProcessState)
    try:
        yield
    finally:
        scene.EndState(scene.BatchProcessState)


def _copy_of(node: Any) -> Any:
    copy = node.CreateNodeInstance()
    copy.UnRegister(None)
    copy.Copy(node)
    return copy


def _node_ids(scene: Any) -> set[str]:
    return {scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())}


def _new_ids(scene: Any, before: set[str]) -> list[str]:
    ids = [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]
    return [node_id for node_id in ids if node_id not in before]


def _parts(node: Any) -> list[Any]:
    """Display and storage nodes that belong to a node, a colour legend before the display whose colours it shows."""
    parts = []
    if node.IsA("vtkMRMLDisplayableNode"):
        parts += [node.GetNthDisplayNode(index) for index in reversed(range(node.GetNumberOfDisplayNodes()))]
    if node.IsA("vtkMRMLStorableNode"):
        parts += [node.GetNthStorageNode(index) for index in range(node.GetNumberOfStorageNodes())]
    return [part for part in parts if part is not None]


def _leave_browsers(node: Any) -> None:
    """A browser that knows a removed sequence would bring its nodes back."""
    import slicer

    if node.IsA("vtkMRMLSequenceNode"):
        for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
            if browser.IsSynchronizedSequenceNodeID(node.GetID(), True):
                browser.RemoveSynchronizedSequenceNode(node.GetID())
