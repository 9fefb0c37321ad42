"""Lists in which the user chooses a volume, without the flat images that films and their re-projections are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
import slicer

from XRayLib.scene.panel.node_observers import NodeObservers

LATER_MS = 200
"""Nodes that come one after the other are looked at together, once they have their images."""


class VolumeLists:
    """Keeps flat images out of selectors of volumes.

    Not only because none of them is a CT: when the chosen CT is deleted, a selector goes on to the next node of its
    list, which would be a film.
    """

    def __init__(self, selectors: Sequence[Any]) -> None:
        self._selectors = tuple(selectors)
        self._later = qt.QTimer()
        self._later.setSingleShot(True)
        self._later.setInterval(LATER_MS)
        self._later.connect("timeout()", self.refresh)
        self._observers = NodeObservers((slicer.vtkMRMLScene.NodeAddedEvent,), self._later.start)

    def follow(self, parameter_node: Any) -> None:
        """Watch the scene while there is a parameter node."""
        self._later.stop()
        self._observers.observe([] if parameter_node is None else [slicer.mrmlScene])

    def refresh(self) -> None:
        """Hide what is flat now; one that was chosen all the same stays, so that it is not silently another."""
        flat = [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if is_flat(node)]
        for selector in self._selectors:
            chosen = selector.currentNodeID
            selector.sortFilterProxyModel().hiddenNodeIDs = [node_id for node_id in flat if node_id != chosen]


def is_flat(volume: Any) -> bool:
    """Whether a volume node holds a single slice; one without an image may still become a volume."""
    image = volume.GetImageData()
    return image is not None and image.GetDimensions()[2] == 1
