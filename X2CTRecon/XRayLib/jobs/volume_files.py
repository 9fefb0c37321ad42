"""Named volumes and radiographs in a job's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from XRayLib.ct import Volume
from XRayLib.jobs.array_files import read_document, write_document
from XRayLib.jobs.case_files import parse_radiograph, parse_volume, radiograph_document, volume_document
from XRayLib.radiograph import Radiograph

VOLUMES_FORMAT = "xray3d.volumes/1"
RADIOGRAPHS_FORMAT = "xray3d.radiographs/1"


def write_volumes(folder: Path, volumes: Mapping[str, Volume]) -> None:
    """Write ``volumes.json`` and the voxels."""
    entries = [
        {"name": name, **volume_document(folder, f"volume{n}", volume)}
        for n, (name, volume) in enumerate(volumes.items())
    ]
    write_document(folder, "volumes", {"format": VOLUMES_FORMAT, "volumes": entries})


def read_volumes(folder: Path) -> dict[str, Volume]:
    """The volumes by name, in the order in which they were written."""
    entries = read_document(folder, "volumes", VOLUMES_FORMAT)["volumes"]
    return {str(entry["name"]): parse_volume(folder, entry) for entry in entries}


def write_radiographs(folder: Path, radiographs: Sequence[Radiograph]) -> None:
    """Write ``radiographs.json`` and the pixels."""
    entries = [radiograph_document(folder, f"radiograph{n}", radiograph) for n, radiograph in enumerate(radiographs)]
    write_document(folder, "radiographs", {"format": RADIOGRAPHS_FORMAT, "radiographs": entries})


def read_radiographs(folder: Path) -> tuple[Radiograph, ...]:
    """The radiographs in the order in which they were written."""
    entries = read_document(folder, "radiographs", RADIOGRAPHS_FORMAT)["radiographs"]
    return tuple(parse_radiograph(folder, entry) for entry in entries)
