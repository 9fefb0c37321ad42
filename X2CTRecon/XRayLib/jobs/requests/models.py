"""Requests about model bundles and devices."""

from __future__ import annotations

import dataclasses
from typing import Any

from XRayLib.bundle import Bundle, import_bundle, installed_bundle, installed_bundles, remove_bundle
from XRayLib.jobs.array_files import json_ready
from XRayLib.jobs.server import Request


def list_models(_request: Request) -> list[dict[str, Any]]:
    """Value: for each installed bundle ``id, version, title, task, sha256, methods, card``."""
    return [_description(bundle) for bundle in installed_bundles().values()]


def verify_model(request: Request) -> dict[str, Any]:
    """Params: ``model`` (id), ``device``. Value: the report of the bundle's parity block on this computer."""
    from XRayLib.runtime import verify_bundle

    bundle = installed_bundle(request.param("model", str))
    request.progress(0.0, "Running the model's own check")
    return json_ready(verify_bundle(bundle, request.param("device", str, "auto")).as_json())


def import_model(request: Request) -> dict[str, Any]:
    """Params: ``path``, optional ``replace`` and ``allow_torchscript``. Value: as of ``list_models``, for one."""
    request.progress(0.0, "Checking the model")
    bundle = import_bundle(
        request.param("path", str),
        replace=request.param("replace", bool, False),
        allow_torchscript=request.param("allow_torchscript", bool, False),
    )
    return _description(bundle)


def remove_model(request: Request) -> dict[str, Any]:
    """Params: ``model`` (id)."""
    remove_bundle(request.param("model", str))
    return {}


def probe_devices(request: Request) -> dict[str, Any]:
    """Value: what :func:`XRayLib.runtime.probe_devices` finds by really running something."""
    from XRayLib.runtime import probe_devices as probe

    request.progress(0.0, "Trying the devices")
    return json_ready(probe())


def _description(bundle: Bundle) -> dict[str, Any]:
    return {
        "id": bundle.id,
        "version": bundle.version,
        "title": bundle.title,
        "task": bundle.task,
        "sha256": bundle.sha256,
        "methods": list(bundle.methods),
        "card": json_ready(dataclasses.asdict(bundle.card)),
    }
