"""The bundled samples: where they are, and how Slicer's Sample Data module offers them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayLib.shared_files import shared_folder

CATEGORY = "XRay3D"


def sample_file(name: str) -> Path:
    """A bundled file."""
    return shared_folder("SampleData") / name


def register_sample(name: str, thumbnail: Path, load: Callable[..., Any]) -> None:
    """Add a sample to Slicer's Sample Data module; ``load(source)`` returns its nodes. Nothing is downloaded."""
    import SampleData
    from slicer.i18n import tr as _

    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):
        logic.registerCustomSampleDataCategory(CATEGORY, title=_("X-ray to 3D"))
    logic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=name,
        uris=[],
        fileNames=[],
        thumbnailFileName=str(thumbnail),
        customDownloader=load,
    )
