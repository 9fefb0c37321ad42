"""What moves with the CT: models, segmentations, label maps and markups the user ticks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from XRayLib.scene.panel.node_observers import NodeObservers
from XRayLib.scene.provenance import read_attribute

MOVABLE = (
    "vtkMRMLSegmentationNode",
    "vtkMRMLModelNode",
    "vtkMRMLLabelMapVolumeNode",
    "vtkMRMLMarkupsNode",
)
ROW_PX = 24
LATER_MS = 200
"""Nodes that come one after the other are listed together, once they have their names."""


class AttachedNodes:
    """A list with a tick before what is under the pose transform. The scene itself keeps the choice.

    ``on_changed()`` after the list or a tick may have changed.
    """

    def __init__(
        self,
        ui: Any,
        transform: Callable[[], Any],
        ensure_transform: Callable[[], Any],
        on_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.ui = ui
        self._transform = transform
        self._ensure_transform = ensure_transform
        self._on_changed = on_changed
        self._updating = False
        self._has_ct = False
        self._later = qt.QTimer()
        self._later.setSingleShot(True)
        self._later.setInterval(LATER_MS)
        self._later.connect("timeout()", self._show)
        scene = slicer.vtkMRMLScene
        self._observers = NodeObservers((scene.NodeAddedEvent, scene.NodeRemovedEvent), self._later.start)
        ui.attachedList.connect("itemChanged(QListWidgetItem*)", self._ticked)

    def follow(self, parameter_node: Any) -> None:
        """Watch the scene while there is a parameter node."""
        self._later.stop()
        self._has_ct = False
        self._observers.observe([] if parameter_node is None else [slicer.mrmlScene])

    def candidates(self) -> list[Any]:
        """Nodes of the scene that can move with a CT, without those that this extension made."""
        found = {}
        for class_name in MOVABLE:
            for node in slicer.util.getNodesByClass(class_name):
                if not node.GetHideFromEditors() and not read_attribute(node, "Kind"):
                    found[node.GetID()] = node
        return sorted(found.values(), key=lambda node: node.GetName().lower())

    def moving(self) -> list[Any]:
        """Those that move with the CT."""
        return [node for node in self.candidates() if _is_under(node, self._transform())] if self._has_ct else []

    def refresh(self, has_ct: bool) -> None:
        """Show the scene's nodes, ticked when they are under the pose transform."""
        self._has_ct = has_ct
        self._show()

    def attach(self, node: Any) -> None:
        """Let a node move with the CT."""
        node.SetAndObserveTransformNodeID(self._ensure_transform().GetID())
        self._show()

    def _show(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            nodes, rows = self.candidates() if self._has_ct else [], self.ui.attachedList
            for widget in (rows, self.ui.attachedLabel):
                widget.setVisible(bool(nodes))
            self.ui.attachedHintLabel.setVisible(not nodes)
            shown = [rows.item(row).data(qt.Qt.UserRole) for row in range(rows.count)]
            if shown != [node.GetID() for node in nodes]:
                self._fill(nodes)
            transform = self._transform() if nodes else None
            for row, node in enumerate(nodes):
                rows.item(row).setText(node.GetName())
                rows.item(row).setCheckState(qt.Qt.Checked if _is_under(node, transform) else qt.Qt.Unchecked)
        finally:
            self._updating = False
        self._on_changed()

    def _fill(self, nodes: list[Any]) -> None:
        self.ui.attachedList.clear()
        for node in nodes:
            item = qt.QListWidgetItem(node.GetName())
            item.setData(qt.Qt.UserRole, node.GetID())
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
            self.ui.attachedList.addItem(item)
        self.ui.attachedList.setFixedHeight(ROW_PX * min(max(len(nodes), 1), 4) + 6)

    def _ticked(self, item: Any) -> None:
        if self._updating:
            return
        node = slicer.mrmlScene.GetNodeByID(item.data(qt.Qt.UserRole))
        is_ticked = item.checkState() == qt.Qt.Checked
        self._updating = True  # the list must not change while it tells of a change
        try:
            if node is not None:
                node.SetAndObserveTransformNodeID(self._ensure_transform().GetID() if is_ticked else None)
        finally:
            self._updating = False
        self._on_changed()


def _is_under(node: Any, transform: Any) -> bool:
    return transform is not None and node.GetTransformNodeID() == transform.GetID()
