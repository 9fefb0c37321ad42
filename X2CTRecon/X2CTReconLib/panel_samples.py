"""The bundled radiographs: PA and lateral of the project's own procedural torso, as DICOM with geometry tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from XRayLib.scene.sample_data import register_sample, sample_file

FILES = ("torso_pa.dcm", "torso_lateral.dcm")
THUMBNAIL = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "TorsoRadiographs.png"


def sample_files() -> tuple[Path, ...]:
    """The PA and the lateral radiograph."""
    return tuple(sample_file(name) for name in FILES)


def register() -> None:
    """Add the radiographs to Slicer's Sample Data module."""
    register_sample("TorsoRadiographs", THUMBNAIL, load)


def load(_source: Any = None) -> list[Any]:
    """Put both radiographs on their detector planes; returns the nodes."""
    from XRayLib.scene.film_loading import add_film_blocking

    return [add_film_blocking(str(path)) for path in sample_files()]
