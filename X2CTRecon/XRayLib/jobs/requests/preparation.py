"""Requests that train a method for one patient's CT, and tell what has been trained for it."""

from __future__ import annotations

from typing import Any

from XRayLib.ct import Volume
from XRayLib.jobs.array_files import json_ready, read_document
from XRayLib.jobs.case_files import VOLUME_FORMAT, parse_volume
from XRayLib.jobs.server import Request
from XRayLib.prepared_method import PreparedMethod, prepared_method
from XRayLib.registry import methods


def prepare_patient(request: Request) -> dict[str, Any]:
    """Params: ``what`` (id of a method that is prepared), ``settings`` (of its preparation), ``resume`` (default true).

    The folder holds the CT as ``volume.json``. Value: as of ``preparation_state``. A cancel keeps what was learned.
    """
    chosen = prepared_method(request.param("what", str))
    ct = _ct(request)
    settings, resume = request.param("settings", dict, {}), request.param("resume", bool, True)
    chosen.prepare(ct, settings, request.progress, resume=resume)
    return _states(ct)


def preparation_state(request: Request) -> dict[str, Any]:
    """The folder holds the CT as ``volume.json``. Value: by method id what exists for it, see ``PreparedMethod``."""
    return _states(_ct(request))


def _ct(request: Request) -> Volume:
    folder = request.folder_for_arrays()
    request.progress(0.0, "Reading the CT")
    return parse_volume(folder, read_document(folder, "volume", VOLUME_FORMAT))


def _states(ct: Volume) -> dict[str, Any]:
    prepared = [m for m in methods().values() if isinstance(m, PreparedMethod)]
    return json_ready({m.id: m.preparation_state(ct) for m in prepared})
