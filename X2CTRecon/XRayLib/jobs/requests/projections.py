"""Live re-projection: volumes stay in the worker's memory, geometries come, images go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, parse_geometry_document
from XRayLib.jobs.array_files import read_document, write_array
from XRayLib.jobs.case_files import VOLUME_FORMAT, parse_volume
from XRayLib.jobs.server import Request

if TYPE_CHECKING:
    from XRayLib.projector import Projector

_attenuations: dict[str, Volume] = {}
"""By volume id, in 1/mm."""
_projectors: dict[tuple[str, str], Projector] = {}
"""By volume id and device, made at the first projection."""


def put_volume(request: Request) -> dict[str, Any]:
    """Params: ``volume_id``. The folder holds ``volume.json``, in HU or 1/mm; it replaces a volume of the same id."""
    volume_id = request.param("volume_id", str)
    folder = request.folder_for_arrays()
    request.progress(0.0, "Reading the volume")
    volume = parse_volume(folder, read_document(folder, "volume", VOLUME_FORMAT))
    if volume.quantity == "HU":
        volume = Volume(attenuation_from_hu(volume.voxels), volume.ijk_to_ras, "mu_per_mm")
    if volume.quantity != "mu_per_mm":
        raise InputError("Only a CT in HU, or a volume of attenuation, can be projected.")
    _forget(volume_id)
    _attenuations[volume_id] = volume
    return {}


def remove_volume(request: Request) -> dict[str, Any]:
    """Params: ``volume_id``. Frees its memory; an unknown id is no error."""
    _forget(request.param("volume_id", str))
    return {}


def project(request: Request) -> dict[str, Any]:
    """Params: ``volume_id``, ``geometries`` (geometry files' JSON objects, in the volume's RAS), ``device``.

    Value: ``images``, one file name of a float32 (rows, columns) array of line integrals per geometry.
    """
    folder = request.folder_for_arrays()
    geometries = [parse_geometry_document(entry).geometry for entry in request.param("geometries", list)]
    projector = _projector(request.param("volume_id", str), request.param("device", str, "auto"))
    images: dict[int, str] = {}
    for indices in _by_size(geometries):
        request.progress(len(images) / len(geometries), "Projecting")
        stack = projector.project([geometries[n] for n in indices])
        for n, image in zip(indices, stack, strict=True):
            images[n] = write_array(folder, f"image{n}", image)
    return {"images": [images[n] for n in range(len(geometries))]}


def _projector(volume_id: str, device: str) -> Projector:
    from XRayLib.projector import Projector

    if volume_id not in _attenuations:
        raise InputError("The volume to project is not in the worker: put it there first.")
    if (volume_id, device) not in _projectors:
        _projectors[volume_id, device] = Projector(_attenuations[volume_id], device=device)
    return _projectors[volume_id, device]


def _forget(volume_id: str) -> None:
    _attenuations.pop(volume_id, None)
    for key in [key for key in _projectors if key[0] == volume_id]:
        del _projectors[key]


def _by_size(geometries: list[XRayGeometry]) -> list[list[int]]:
    groups: dict[tuple[int, int], list[int]] = {}
    for index, geometry in enumerate(geometries):
        groups.setdefault(geometry.size_px, []).append(index)
    return list(groups.values())
