"""The request that compares two volumes of the scene."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from XRayLib.jobs.array_files import json_ready, write_array
from XRayLib.jobs.server import Request
from XRayLib.jobs.volume_files import read_radiographs, read_volumes


def compare_volumes(request: Request) -> dict[str, Any]:
    """Params: ``results`` (names of one or two volumes that are judged), ``reference`` (name of the true CT, or empty).
    The folder holds ``volumes.json``, two or three volumes by name, and ``radiographs.json``.

    Value: ``rows`` (title, values by column, is_share); ``difference``: the file of the first minus the second volume.
    """
    from XRayLib.metrics.compare_results import difference, metric_rows

    folder = request.folder_for_arrays()
    volumes, radiographs = read_volumes(folder), read_radiographs(folder)
    request.progress(0.0, "Comparing")
    first, second = list(volumes.values())[:2]
    voxels = difference(first, second).voxels
    reference = request.param("reference", str)
    results = {name: volumes[name] for name in request.param("results", list)}
    rows = metric_rows(results, volumes.get(reference), radiographs, request.progress)
    request.progress(1.0, "Handing over the comparison")
    return json_ready({"rows": [asdict(row) for row in rows], "difference": write_array(folder, "difference", voxels)})
