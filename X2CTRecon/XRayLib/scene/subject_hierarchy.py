"""One folder per reconstruction or registration, holding its inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def put_in_folder(nodes: Iterable[Any], name: str) -> int:
    """Move the nodes' subject-hierarchy items into a folder of that name, made when absent; returns its item id.

    Nodes that a DICOM import already placed under a patient or study stay there.
    """
    import slicer

    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    if tree is None:
        tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    scene_item = tree.GetSceneItemID()
    folder = tree.GetItemChildWithName(scene_item, name)
    if not folder:
        folder = tree.CreateFolderItem(scene_item, name)
    for node in nodes:
        item = tree.GetItemByDataNode(node)
        if item and tree.GetItemParent(item) == scene_item:
            tree.SetItemParent(item, folder)
    return folder
