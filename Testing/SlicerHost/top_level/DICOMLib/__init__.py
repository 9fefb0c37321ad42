"""Base classes of DICOM plug-ins: what a plug-in of ours needs to be examined in a test."""

from __future__ import annotations

from typing import Any


class DICOMLoadable:
    """One way to load some files."""

    def __init__(self, **values: Any) -> None:
        self.files: list[str] = []
        self.name = "Unknown"
        self.tooltip = ""
        self.warning = ""
        self.selected = False
        self.confidence = 0.5
        self.referencedInstanceUIDs: list[str] = []
        for name, value in values.items():
            setattr(self, name, value)


class DICOMPlugin:
    """Examines files and loads what it recognised."""

    def __init__(self) -> None:
        self.loadType = ""
        self.tags: dict[str, str] = {}
        self.loadables: dict[str, list[DICOMLoadable]] = {}

    def examineForImport(self, fileLists: list[list[str]]) -> list[DICOMLoadable]:
        return [loadable for files in fileLists for loadable in self.examineFiles(files)]

    def examineFiles(self, files: list[str]) -> list[DICOMLoadable]:
        del files
        return []

    def load(self, loadable: DICOMLoadable) -> bool:
        del loadable
        return True
