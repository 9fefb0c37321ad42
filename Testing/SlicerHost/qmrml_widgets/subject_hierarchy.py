"""The subject hierarchy as a tree and as a combo box, minimal: items, current item, filters by node class."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QComboBox, QTreeWidget, QTreeWidgetItem, QWidget

from ..cpp_widget import cpp_widget, stored
from .scene_observer import Observation

_EVENTS = ("ModifiedEvent", *range(62000, 62020))
"""Modified and the item events of vtkMRMLSubjectHierarchyNode (added, removed, modified, reparented, ...)."""


@cpp_widget
class qMRMLSubjectHierarchyTreeView(QTreeWidget):
    """Items below the scene (or ``setRootItem``), rebuilt on every change of the hierarchy."""

    currentItemChanged = Signal(object)
    currentNodeChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._root: int | None = None
        self.setHeaderHidden(True)
        self._observation = Observation(self, _EVENTS, self._update)
        self._scene_observation = Observation(self, (slicer.vtkMRMLScene.EndCloseEvent,), self._rebind)
        self.itemSelectionChanged.connect(self._report)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self._scene_observation.observe(scene)
        self._rebind()

    def subjectHierarchyNode(self) -> Any:
        if self._scene is None:
            return None
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def _rebind(self) -> None:
        self._observation.observe(self.subjectHierarchyNode())
        self._update()

    def _update(self) -> None:
        current = self.currentItem()
        blocked = self.blockSignals(True)
        self.clear()
        hierarchy = self.subjectHierarchyNode()
        if hierarchy is not None:
            self._add_children(hierarchy, self.rootItem(), self.invisibleRootItem())
            self.expandAll()
        self.blockSignals(blocked)
        if current:
            self.setCurrentItem(current)

    def _add_children(self, hierarchy: Any, item_id: int, parent: QTreeWidgetItem) -> None:
        from vtkmodules.vtkCommonCore import vtkIdList

        children = vtkIdList()
        hierarchy.GetItemChildren(item_id, children, False)
        for index in range(children.GetNumberOfIds()):
            child = children.GetId(index)
            item = QTreeWidgetItem([hierarchy.GetItemName(child)])
            item.setData(0, Qt.UserRole, child)
            parent.addChild(item)
            self._add_children(hierarchy, child, item)
            node = hierarchy.GetItemDataNode(child)
            wanted = not self.nodeTypes or (node is not None and any(node.IsA(name) for name in self.nodeTypes))
            item.setHidden(not wanted and item.childCount() == 0)

    def currentItem(self) -> int:
        items = self.selectedItems()
        return int(items[0].data(0, Qt.UserRole)) if items else 0

    def currentNode(self) -> Any:
        hierarchy = self.subjectHierarchyNode()
        return None if hierarchy is None or not self.currentItem() else hierarchy.GetItemDataNode(self.currentItem())

    def setCurrentItem(self, item_id: int) -> None:
        self.clearSelection()
        for item in self.findItems("*", Qt.MatchWildcard | Qt.MatchRecursive):
            if item.data(0, Qt.UserRole) == item_id:
                item.setSelected(True)

    def setCurrentNode(self, node: Any) -> None:
        hierarchy = self.subjectHierarchyNode()
        self.setCurrentItem(0 if node is None or hierarchy is None else hierarchy.GetItemByDataNode(node))

    def rootItem(self) -> int:
        hierarchy = self.subjectHierarchyNode()
        return self._root if self._root is not None else (0 if hierarchy is None else hierarchy.GetSceneItemID())

    def setRootItem(self, item_id: int) -> None:
        self._root = item_id
        self._update()

    def displayedItemCount(self) -> int:
        return len([i for i in self.findItems("*", Qt.MatchWildcard | Qt.MatchRecursive) if not i.isHidden()])

    def _report(self) -> None:
        self.currentItemChanged.emit(self.currentItem())
        self.currentNodeChanged.emit(self.currentNode())

    def setNodeTypes(self, types: Any) -> None:
        self.__dict__["_node_types"] = list(types)
        self._update()

    nodeTypes = Property("QStringList", lambda self: self.__dict__.get("_node_types", []), setNodeTypes)
    nameFilter = stored(str, "nameFilter", "")
    multiSelection = stored(bool, "multiSelection", False)
    contextMenuEnabled = stored(bool, "contextMenuEnabled", True)
    editMenuActionVisible = stored(bool, "editMenuActionVisible", True)
    idColumnVisible = stored(bool, "idColumnVisible", True)
    colorColumnVisible = stored(bool, "colorColumnVisible", True)
    transformColumnVisible = stored(bool, "transformColumnVisible", True)
    visibilityColumnVisible = stored(bool, "visibilityColumnVisible", True)
    descriptionColumnVisible = stored(bool, "descriptionColumnVisible", False)


@cpp_widget
class qMRMLSubjectHierarchyComboBox(QComboBox):
    """One item of the hierarchy, with None first."""

    currentItemChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tree = qMRMLSubjectHierarchyTreeView()
        self._tree.hide()
        self._items: list[int] = [0]
        self.currentIndexChanged.connect(lambda _index: self.currentItemChanged.emit(self.currentItem()))

    def mrmlScene(self) -> Any:
        return self._tree.mrmlScene()

    def setMRMLScene(self, scene: Any) -> None:
        self._tree.setMRMLScene(scene)
        self.refresh()

    def refresh(self) -> None:
        """List the items anew."""
        items = self._tree.findItems("*", Qt.MatchWildcard | Qt.MatchRecursive)
        self._items = [0, *(int(item.data(0, Qt.UserRole)) for item in items)]
        self.clear()
        self.addItems(["None", *(item.text(0) for item in items)])

    def currentItem(self) -> int:
        return self._items[max(self.currentIndex, 0)]

    def setCurrentItem(self, item_id: int) -> None:
        self.refresh()
        self.setCurrentIndex(self._items.index(item_id) if item_id in self._items else 0)

    noneEnabled = stored(bool, "noneEnabled", True)
    noneDisplay = stored(str, "noneDisplay", "None")
