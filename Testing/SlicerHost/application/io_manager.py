"""Reading and writing files by Slicer's storage nodes: ``slicer.util.loadVolume``, ``saveNode``, ``loadScene``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

FILE_TYPES = {
    "VolumeFile": ("vtkMRMLScalarVolumeNode", (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".tif", ".png")),
    "ModelFile": ("vtkMRMLModelNode", (".vtp", ".vtk", ".stl", ".ply", ".obj")),
    "SegmentationFile": ("vtkMRMLSegmentationNode", (".seg.nrrd", ".seg.nhdr", ".seg.vtm")),
    "TransformFile": ("vtkMRMLTransformNode", (".h5", ".tfm", ".txt", ".mat")),
    "MarkupsFile": ("vtkMRMLMarkupsFiducialNode", (".mrk.json", ".fcsv")),
    "SequenceFile": ("vtkMRMLSequenceNode", (".seq.nrrd", ".seq.mrb")),
    "TextFile": ("vtkMRMLTextNode", (".txt",)),
    "TableFile": ("vtkMRMLTableNode", (".tsv", ".csv")),
}
"""Node class and name endings by Slicer's file type."""


class IoManager:
    """``slicer.app.coreIOManager()`` and ``ioManager()``."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def fileType(self, path: str | Path) -> str:
        """Slicer's file type of a file, by its name; the longest ending wins."""
        name = str(path).lower()
        if name.endswith((".mrb", ".mrml")):
            return "SceneFile"
        endings = [
            (ending, type_) for type_, (_, all_) in FILE_TYPES.items() for ending in all_ if name.endswith(ending)
        ]
        return max(endings, key=lambda found: len(found[0]))[1] if endings else "NoFile"

    def fileWriterFileType(self, node: Any) -> str:
        return next((type_ for type_, (class_name, _) in FILE_TYPES.items() if node.IsA(class_name)), "NoFile")

    def loadNodes(self, file_type: str, properties: dict[str, Any], nodes: Any = None, messages: Any = None) -> bool:
        """Load a file into the scene; the new nodes are added to the collection ``nodes``."""
        path = Path(properties["fileName"])
        if file_type == "SceneFile":
            self._session.load_scene(path, clear=properties.get("clear", True))
            return True
        if file_type not in FILE_TYPES or not path.is_file():
            self._say(messages, f"{path}: no reader for a file of type {file_type}")
            return False
        node = self._new_node(file_type, path, properties)
        node.AddDefaultStorageNode(str(path))
        if not node.GetStorageNode().ReadData(node):
            self._say(messages, f"{path}: could not be read")
            slicer.mrmlScene.RemoveNode(node.GetStorageNode())
            slicer.mrmlScene.RemoveNode(node)
            return False
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
        if nodes is not None:
            nodes.AddItem(node)
        return True

    def _new_node(self, file_type: str, path: Path, properties: dict[str, Any]) -> Any:
        class_name = "vtkMRMLLabelMapVolumeNode" if properties.get("labelmap") else FILE_TYPES[file_type][0]
        name = properties.get("name") or path.name.partition(".")[0]
        return slicer.mrmlScene.AddNewNodeByClass(class_name, slicer.mrmlScene.GenerateUniqueName(name))

    def saveNodes(self, file_type: str, properties: dict[str, Any], messages: Any = None) -> bool:
        """Write the scene, or the node ``properties["nodeID"]``."""
        path = Path(properties["fileName"])
        if file_type == "SceneFile":
            return self._save_scene(path)
        node = slicer.mrmlScene.GetNodeByID(properties["nodeID"])
        if not node.AddDefaultStorageNode() and node.GetStorageNode() is None:
            self._say(messages, f"{node.GetName()} cannot be stored")
            return False
        node.GetStorageNode().SetFileName(str(path))
        return bool(node.GetStorageNode().WriteData(node))

    def _save_scene(self, path: Path) -> bool:
        if path.suffix == ".mrb":
            self._session.save_scene(path)
            return True
        if path.suffix == ".mrml":
            slicer.mrmlScene.SetURL(str(path))
            return bool(slicer.mrmlScene.Commit())
        path.mkdir(parents=True, exist_ok=True)
        return bool(slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(path), None, None))

    def _say(self, messages: Any, text: str) -> None:
        from vtkmodules.vtkCommonCore import vtkCommand

        if messages is not None:
            messages.AddMessage(vtkCommand.ErrorEvent, text)

    def registerIO(self, _io: Any) -> None:
        """Readers and writers of modules are not used by the host."""
