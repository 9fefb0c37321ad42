"""Requests that train a method for one patient's CT, and tell what has been trained for it."""

from __future__ import annotations

from typing import Any

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.jobs.array_files import json_ready, read_document
from XRayLib.jobs.case_files import MESH_FORMAT, VOLUME_FORMAT, parse_mesh, parse_volume
from XRayLib.jobs.server import Request
from XRayLib.prepared_method import PreparedMethod, prepared_method
from XRayLib.registry import methods


def prepare_patient(request: Request) -> dict[str, Any]:
    """Params: ``what`` (id of a method that is prepared), ``settings`` (of its preparation), ``resume`` (default true).

    The folder holds the CT as ``volume.json`` and, for a method of an organ, its surface as ``mesh.json``. Value: as of
    ``preparation_state``. A cancel keeps what was learned.
    """
    chosen = prepared_method(request.param("what", str))
    ct, mesh = _patient(request)
    settings, resume = request.param("settings", dict, {}), request.param("resume", bool, True)
    chosen.prepare(ct, settings, request.progress, mesh=mesh, resume=resume)
    return _states(ct, mesh)


def preparation_state(request: Request) -> dict[str, Any]:
    """The folder holds the CT, and an organ, as above. Value: by method id what exists, see ``PreparedMethod``."""
    return _states(*_patient(request))


def _patient(request: Request) -> tuple[Volume, SurfaceMesh | None]:
    folder = request.folder_for_arrays()
    request.progress(0.0, "Reading the CT")
    ct = parse_volume(folder, read_document(folder, "volume", VOLUME_FORMAT))
    has_mesh = (folder / "mesh.json").is_file()
    return ct, parse_mesh(folder, read_document(folder, "mesh", MESH_FORMAT)) if has_mesh else None


def _states(ct: Volume, mesh: SurfaceMesh | None) -> dict[str, Any]:
    prepared = [m for m in methods().values() if isinstance(m, PreparedMethod)]
    return json_ready({m.id: m.preparation_state(ct, mesh) for m in prepared})
