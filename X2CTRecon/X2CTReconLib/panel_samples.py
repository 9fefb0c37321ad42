"""The bundled radiographs: PA and lateral of the project's own procedural torso, as DICOM with geometry tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from XRayLib.shared_files import shared_folder

CATEGORY = "XRay3D"
FILES = ("torso_pa.dcm", "torso_lateral.dcm")


def sample_files() -> tuple[Path, ...]:
    """The PA and the lateral radiograph."""
    folder = shared_folder("SampleData")
    return tuple(folder / name for name in FILES)


def register() -> None:
    """Add the radiographs to Slicer's Sample Data module; they are on disk, nothing is downloaded."""
    import SampleData
    from slicer.i18n import tr as _

    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):
        logic.registerCustomSampleDataCategory(CATEGORY, title=_("X-ray to 3D"))
    logic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName="TorsoRadiographs",
        uris=[],
        fileNames=[],
        thumbnailFileName=str(Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "TorsoRadiographs.png"),
        customDownloader=load,
    )


def load(_source: Any = None) -> list[Any]:
    """Put both radiographs on their detector planes; returns the nodes."""
    from XRayLib.scene.film_loading import add_film_blocking

    return [add_film_blocking(str(path)) for path in sample_files()]
