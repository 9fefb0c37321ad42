"""Requests about methods: list them, run one."""

from __future__ import annotations

import dataclasses
from typing import Any

from XRayLib.case import Options
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry_estimation import run_with_estimated_geometry
from XRayLib.jobs.array_files import json_ready
from XRayLib.jobs.case_files import read_case, write_result
from XRayLib.jobs.server import Request
from XRayLib.registry import method, methods
from XRayLib.style_transfer import run_with_style_transfer

_kept_ct: list[Volume] = []
"""The CT of a run of cases, at most one."""


def list_methods(_request: Request) -> list[dict[str, Any]]:
    """Value: for each method ``id, title, summary, citation, returns, needs``."""
    return [
        {
            "id": m.id,
            "title": m.title,
            "summary": m.summary,
            "citation": m.citation,
            "returns": m.returns,
            "needs": dataclasses.asdict(m.needs),
        }
        for m in methods().values()
    ]


def run_method(request: Request) -> dict[str, Any]:
    """Params: ``method`` (id), ``options`` {device, bundle, seed, extra}, ``keep_ct`` (default false). The folder holds
    a case, and then the result. The case may leave out the CT of the last one that was run with ``keep_ct``.

    Value: the result's ``quality``, ``warnings`` and ``provenance``, which also stand in its ``result.json``.
    """
    folder = request.folder_for_arrays()
    chosen = method(request.param("method", str))
    request.progress(0.0, "Reading the case")
    keep = request.param("keep_ct", bool, False)
    case = read_case(folder, mapped=not keep, kept_ct=_kept_ct[0] if _kept_ct else None)
    if keep:
        _kept_ct[:] = [] if case.ct is None else [case.ct]
    chosen.check(case)
    options = _options(request.param("options", dict, {}))
    result = run_with_estimated_geometry(run_with_style_transfer, chosen, case, options, request.progress)
    request.progress(1.0, "Handing over the result")
    write_result(folder, result, case)
    return json_ready(
        {"quality": result.quality, "warnings": result.warnings, "provenance": result.provenance, "method": chosen.id}
    )


def _options(document: dict[str, Any]) -> Options:
    known = {field.name for field in dataclasses.fields(Options)}
    if unknown := sorted(document.keys() - known):
        raise InputError(f"Unknown options: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    return Options(**document)
