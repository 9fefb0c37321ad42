"""What the worker can be asked: a table of handlers, each imported when it is first needed."""

from __future__ import annotations

import importlib
from typing import Any

from XRayLib.jobs.server import Handler, Request

_HOMES = {
    "run_method": "methods",
    "list_methods": "methods",
    "load_radiograph": "radiographs",
    "count_frames": "radiographs",
    "put_volume": "projections",
    "remove_volume": "projections",
    "project": "projections",
    "list_models": "models",
    "verify_model": "models",
    "import_model": "models",
    "remove_model": "models",
    "probe_devices": "models",
    "evaluate": "evaluation",
    "compare_volumes": "comparison",
    "undetermined_share": "knowledge",
    "write_volume_report": "knowledge",
    "save_volume_as": "knowledge",
    "organ_template": "organs",
    "prepare_patient": "preparation",
    "preparation_state": "preparation",
}


def _handler(kind: str, home: str) -> Handler:
    def handle(request: Request) -> Any:
        return getattr(importlib.import_module(f"{__name__}.{home}"), kind)(request)

    return handle


HANDLERS: dict[str, Handler] = {kind: _handler(kind, home) for kind, home in _HOMES.items()}
"""By request kind. Parameters and values are in the docstrings of the functions of the same names."""
