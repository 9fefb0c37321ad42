"""The request that compares a result with a reference."""

from __future__ import annotations

from typing import Any

from XRayLib.jobs.array_files import json_ready
from XRayLib.jobs.server import Request


def evaluate(request: Request) -> dict[str, Any]:
    """Params: ``kind`` (volume, mesh, pose or deformation), ``reference`` and ``result`` (paths), ``options``.

    Value: what :func:`XRayLib.metrics.evaluate_files` returns for them.
    """
    from XRayLib.metrics import evaluate_files

    request.progress(0.0, "Comparing with the reference")
    found = evaluate_files(
        request.param("kind", str),
        request.param("reference", str),
        request.param("result", str),
        **request.param("options", dict, {}),
    )
    return json_ready(found)
