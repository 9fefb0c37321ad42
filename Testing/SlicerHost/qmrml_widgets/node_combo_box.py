"""The node selector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from ..cpp_widget import cpp_widget, relayed, stored
from .scene_observer import Observation

NONE_TEXT = "None"


class _SortFilterProxyModel(QObject):
    """What the selector leaves out beside its own properties."""

    def __init__(self, on_changed: Callable[[], None]) -> None:
        super().__init__()
        self._on_changed = on_changed
        self._hidden: list[str] = []

    def _hide(self, node_ids: Sequence[str]) -> None:
        if list(node_ids) != self._hidden:
            self._hidden = list(node_ids)
            self._on_changed()

    hiddenNodeIDs = Property("QStringList", lambda self: tuple(self._hidden), _hide)


@cpp_widget
class qMRMLNodeComboBox(QWidget):
    """Lists the scene's nodes of some classes and attributes; ``None`` first where that is allowed.

    A new node is not chosen by itself. When the current node goes, what takes its place in the list is chosen, as by
    every QComboBox: the next node or, where there is none, the one before it.
    Attributes and names are read when the scene or the current node changes.
    """

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeEdited = Signal(object)
    currentNodeRenamed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._node_types: list[str] = []
        self._attributes: list[tuple[str, str, Any]] = []
        self._filter = _SortFilterProxyModel(self._update)
        self._none_enabled = False
        self._requested: Any = None
        self._reported: Any = None
        self._box = QComboBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._ids: list[str] = []
        self._box.currentIndexChanged.connect(self._report)
        self._box.activated.connect(lambda _index: self.nodeActivated.emit(self.currentNode()))
        scene_class = slicer.vtkMRMLScene
        self._scene_observation = Observation(
            self,
            (scene_class.NodeAddedEvent, scene_class.NodeRemovedEvent, scene_class.EndBatchProcessEvent),
            self._update,
        )
        self._node_observation = Observation(self, ("ModifiedEvent",), self._on_node_modified)
        self.setEnabled(False)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self._scene_observation.observe(scene)
        self.setEnabled(scene is not None)
        requested, self._requested = self._requested, None
        self._update()
        if requested is not None:
            self.setCurrentNode(requested)

    def _accepts(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        if node.GetID() in self._filter.hiddenNodeIDs:
            return False
        if not any(self._is_of(node, name) for name in self._node_types):
            return False
        return all(_has_attribute(node, *attribute) for attribute in self._attributes if node.IsA(attribute[0]))

    def _is_of(self, node: Any, class_name: str) -> bool:
        if not self.showChildNodeTypes:
            return node.GetClassName() == class_name
        return node.IsA(class_name) and not any(node.IsA(hidden) for hidden in self.hideChildNodeTypes)

    def _update(self) -> None:
        """List the nodes anew and keep the choice."""
        scene = self._scene
        if scene is not None and scene.IsBatchProcessing():
            return
        current, row = self.currentNode(), self._box.currentIndex
        nodes = [] if scene is None else [scene.GetNthNode(i) for i in range(scene.GetNumberOfNodes())]
        nodes = [node for node in nodes if self._accepts(node)]
        known = set(self._ids)
        blocked = self._box.blockSignals(True)
        self._box.clear()
        self._ids = []
        if self._none_enabled:
            self._box.addItem(self.noneDisplay)
            self._ids.append("")
        for node in nodes:
            self._box.addItem(node.GetName())
            self._ids.append(node.GetID())
        self._box.setCurrentIndex(self._index_after_update(current, row))
        self._box.blockSignals(blocked)
        for node in nodes:
            if node.GetID() not in known:
                self.nodeAdded.emit(node)
        self._report()

    def _index_after_update(self, current: Any, row: int) -> int:
        if current is not None and current.GetID() in self._ids:
            return self._ids.index(current.GetID())
        if self._reported is None:
            return 0 if self._none_enabled else -1
        return min(row, len(self._ids) - 1)

    def _report(self, *_index: Any) -> None:
        node = self.currentNode()
        if node is self._reported:
            return
        self._reported = node
        self._node_observation.observe(node)
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit("" if node is None else node.GetID())

    def _on_node_modified(self) -> None:
        node = self._reported
        if node is None or node.GetScene() is None:
            return
        index = self._box.currentIndex
        if not self._accepts(node):
            self._update()
        elif self._box.itemText(index) != node.GetName():
            self._box.setItemText(index, node.GetName())
            self.currentNodeRenamed.emit(node.GetName())

    def currentNode(self) -> Any:
        index = self._box.currentIndex
        if self._scene is None or not 0 <= index < len(self._ids) or not self._ids[index]:
            return None
        return self._scene.GetNodeByID(self._ids[index])

    def setCurrentNode(self, node: Any) -> None:
        """By node, by id, or None."""
        if isinstance(node, str):
            self.setCurrentNodeID(node)
            return
        if self._scene is None:
            self._requested = node
            return
        self.setCurrentNodeID("" if node is None else node.GetID())

    def setCurrentNodeID(self, node_id: str) -> None:
        if node_id not in self._ids and node_id:
            self._update()
        if node_id in self._ids:
            self._box.setCurrentIndex(self._ids.index(node_id))
        else:
            self._box.setCurrentIndex(0 if self._none_enabled else -1)

    def setCurrentNodeIndex(self, index: int) -> None:
        self._box.setCurrentIndex(index + int(self._none_enabled))

    def nodeCount(self) -> int:
        return len(self._ids) - int(self._none_enabled)

    def nodeFromIndex(self, index: int) -> Any:
        if not 0 <= index < self.nodeCount():
            return None
        return self._scene.GetNodeByID(self._ids[index + int(self._none_enabled)])

    def addNode(self, node_type: str = "") -> Any:
        """What "Create new node" in the menu does."""
        node = self._scene.CreateNodeByClass(node_type or self._node_types[0])
        node.UnRegister(None)
        base = self.baseName or node.GetNodeTagName()
        node.SetName(self._scene.GenerateUniqueName(base))
        for class_name, attribute, value in self._attributes:
            if node.IsA(class_name) and value is not None:
                node.SetAttribute(attribute, str(value))
        self._scene.AddNode(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        node = self.currentNode()
        if node is not None:
            self._scene.RemoveNode(node)

    def sortFilterProxyModel(self) -> _SortFilterProxyModel:
        return self._filter

    def addAttribute(self, node_type: str, name: str, value: Any = None) -> None:
        self._attributes.append((node_type, name, value))
        self._update()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._attributes = [known for known in self._attributes if known[:2] != (node_type, name)]
        self._update()

    def setNodeTypes(self, node_types: Any) -> None:
        self._node_types = [name for name in node_types if name]
        self._update()

    def setNoneEnabled(self, enabled: bool) -> None:
        self._none_enabled = bool(enabled)
        self._update()

    nodeTypes = Property("QStringList", lambda self: tuple(self._node_types), setNodeTypes)
    noneEnabled = Property(bool, lambda self: self._none_enabled, setNoneEnabled)
    currentNodeID = Property(
        str, lambda self: "" if self.currentNode() is None else self.currentNode().GetID(), setCurrentNodeID
    )
    noneDisplay = stored(str, "noneDisplay", NONE_TEXT)
    baseName = stored(str, "baseName", "")
    showHidden = stored(bool, "showHidden", False)
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True)
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [])
    addEnabled = stored(bool, "addEnabled", True)
    removeEnabled = stored(bool, "removeEnabled", True)
    editEnabled = stored(bool, "editEnabled", False)
    renameEnabled = stored(bool, "renameEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "")
    sizeAdjustPolicy = relayed("QVariant", "_box", "sizeAdjustPolicy")


def _has_attribute(node: Any, _class_name: str, name: str, value: Any) -> bool:
    found = node.GetAttribute(name)
    return found is not None and (value is None or found == str(value))
