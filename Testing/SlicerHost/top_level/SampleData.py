"""The registration side of Slicer's Sample Data module."""

from __future__ import annotations

from typing import Any

import slicer


class SampleDataSource:
    """One registered sample."""

    def __init__(self, **values: Any) -> None:
        self.sampleName = ""
        self.uris: list[str] = []
        self.fileNames: list[str] = []
        self.nodeNames: list[str] = []
        self.customDownloader: Any = None
        self.thumbnailFileName = ""
        for name, value in values.items():
            setattr(
                self, name, [value] if name in ("uris", "fileNames", "nodeNames") and isinstance(value, str) else value
            )
        for name in ("uris", "fileNames"):
            if values.get(name) is None:
                raise TypeError(f"{name} is None: Slicer counts them, also for a custom downloader")


class SampleDataLogic:
    """``slicer.modules.sampleDataSources`` by category."""

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str = "", **_options: Any) -> None:
        del title
        _sources().setdefault(category, [])

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **values: Any) -> None:
        allowed = {
            *("sampleName", "uris", "fileNames", "nodeNames", "customDownloader", "thumbnailFileName"),
            *("loadFileType", "loadFileTypes", "loadFiles", "loadFileProperties", "checksums"),
        }
        unknown = set(values) - allowed
        if unknown:
            raise TypeError(f"registerCustomSampleDataSource() got unexpected keyword arguments {sorted(unknown)}")
        _sources().setdefault(category, []).append(SampleDataSource(**values))

    @staticmethod
    def isSampleDataSourceRegistered(category: str, source: SampleDataSource) -> bool:
        return any(known.sampleName == source.sampleName for known in _sources().get(category, []))

    def downloadSample(self, name: str) -> Any:
        """Run the custom downloader of a registered sample."""
        for sources in _sources().values():
            for source in sources:
                if source.sampleName == name and source.customDownloader is not None:
                    return source.customDownloader(source)
        raise ValueError(f"no sample '{name}' with a downloader of its own is registered")


def _sources() -> dict[str, list[SampleDataSource]]:
    try:
        return slicer.modules.sampleDataSources
    except AttributeError:
        slicer.modules.sampleDataSources = {}
    return slicer.modules.sampleDataSources
