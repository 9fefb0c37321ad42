"""What moves with the CT: models, segmentations, label maps and markups the user ticks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from XRayLib.scene.provenance import read_attribute

MOVABLE = (
    "vtkMRMLSegmentationNode",
    "vtkMRMLModelNode",
    "vtkMRMLLabelMapVolumeNode",
    "vtkMRMLMarkupsNode",
)
ROW_PX = 24


class AttachedNodes:
    """A list with a tick before what is under the pose transform. The scene itself keeps the choice."""

    def __init__(self, ui: Any, transform: Callable[[], Any], ensure_transform: Callable[[], Any]) -> None:
        self.ui = ui
        self._transform = transform
        self._ensure_transform = ensure_transform
        self._updating = False
        ui.attachedList.connect("itemChanged(QListWidgetItem*)", self._ticked)

    def candidates(self) -> list[Any]:
        """Nodes of the scene that can move with a CT, without those that this extension made."""
        found = {}
        for class_name in MOVABLE:
            for node in slicer.util.getNodesByClass(class_name):
                if not node.GetHideFromEditors() and not _is_own(node):
                    found[node.GetID()] = node
        return sorted(found.values(), key=lambda node: node.GetName().lower())

    def attached(self) -> list[Any]:
        """Those that move with the CT now."""
        transform = self._transform()
        return [] if transform is None else [n for n in self.candidates() if _is_under(n, transform)]

    def refresh(self, has_ct: bool) -> None:
        """Show the scene's nodes, ticked when they are under the pose transform."""
        transform, nodes = self._transform(), self.candidates() if has_ct else []
        wanted = [(node.GetID(), node.GetName(), _is_under(node, transform)) for node in nodes]
        for widget in (self.ui.attachedList, self.ui.attachedLabel):
            widget.setVisible(bool(wanted))
        self.ui.attachedHintLabel.setVisible(not wanted)
        rows = [self.ui.attachedList.item(row) for row in range(self.ui.attachedList.count)]
        if [(item.data(qt.Qt.UserRole), item.text(), item.checkState() == qt.Qt.Checked) for item in rows] == wanted:
            return
        self._updating = True
        self.ui.attachedList.clear()
        for node_id, name, is_under in wanted:
            item = qt.QListWidgetItem(name)
            item.setData(qt.Qt.UserRole, node_id)
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
            item.setCheckState(qt.Qt.Checked if is_under else qt.Qt.Unchecked)
            self.ui.attachedList.addItem(item)
        self.ui.attachedList.setFixedHeight(ROW_PX * min(max(len(wanted), 1), 4) + 6)
        self._updating = False

    def _ticked(self, item: Any) -> None:
        if self._updating:
            return
        node = slicer.mrmlScene.GetNodeByID(item.data(qt.Qt.UserRole))
        if node is None:
            return
        if item.checkState() == qt.Qt.Checked:
            node.SetAndObserveTransformNodeID(self._ensure_transform().GetID())
        else:
            node.SetAndObserveTransformNodeID(None)


def _is_under(node: Any, transform: Any) -> bool:
    return transform is not None and node.GetTransformNodeID() == transform.GetID()


def _is_own(node: Any) -> bool:
    return bool(read_attribute(node, "Kind")) or node.GetName().endswith(" set-up")
