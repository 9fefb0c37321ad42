"""The subject hierarchy kept in step with the scene, which Slicer leaves to the Qt part of its module."""

from __future__ import annotations

from typing import Any

OWNED_CLASSES = (
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLModelNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLTransformNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLSequenceNode",
    "vtkMRMLSequenceBrowserNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLPlotSeriesNode",
    "vtkMRMLFolderDisplayNode",
)
"""Data nodes that a plug-in of Slicer's subject hierarchy claims."""


class SubjectHierarchyUpdater:
    """Gives every visible data node an item and removes the item with the node."""

    def __init__(self, slicer: Any, scene: Any) -> None:
        import vtk

        self._slicer = slicer
        self._scene = scene
        self._resolve()

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def added(_caller: Any, _event: str, node: Any) -> None:
            self._on_added(node)

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def about_to_be_removed(_caller: Any, _event: str, node: Any) -> None:
            self._on_about_to_be_removed(node)

        scene_class = slicer.vtkMRMLScene
        self._tags = [
            scene.AddObserver(scene_class.NodeAddedEvent, added),
            scene.AddObserver(scene_class.NodeAboutToBeRemovedEvent, about_to_be_removed),
            scene.AddObserver(scene_class.EndCloseEvent, lambda *_: self._resolve()),
            scene.AddObserver(scene_class.EndImportEvent, lambda *_: self._on_import_ended()),
        ]

    def _resolve(self) -> Any:
        """The one hierarchy of the scene, made when absent and merged when a loaded scene brought another."""
        return self._slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(self._scene)

    def _owns(self, node: Any) -> bool:
        return not node.GetHideFromEditors() and any(node.IsA(name) for name in OWNED_CLASSES)

    def _on_added(self, node: Any) -> None:
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            self._resolve()
        elif not self._scene.IsImporting() and self._owns(node):
            self._add(node)

    def _add(self, node: Any) -> None:
        hierarchy = self._resolve()
        if not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    def _on_about_to_be_removed(self, node: Any) -> None:
        if self._scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = self._resolve()
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, False)

    def _on_import_ended(self) -> None:
        self._resolve()
        for index in range(self._scene.GetNumberOfNodes()):
            node = self._scene.GetNthNode(index)
            if self._owns(node):
                self._add(node)

    def close(self) -> None:
        """Stop observing the scene."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
