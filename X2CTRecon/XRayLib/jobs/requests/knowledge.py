"""Requests about what a volume tells and what it cannot: the share that X-rays leave open, the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from XRayLib.errors import InputError
from XRayLib.jobs.array_files import json_ready, write_document
from XRayLib.jobs.case_files import VOLUME_FORMAT, volume_document
from XRayLib.jobs.server import Request
from XRayLib.jobs.volume_files import read_radiographs, read_volumes


def undetermined_share(request: Request) -> dict[str, Any]:
    """The folder holds ``volumes.json`` with the volume in HU, ``radiographs.json``, and then ``undetermined.json``.

    Params: ``device``. Value: ``mean`` and ``size_mm`` as of :func:`XRayLib.tomography.undetermined.undetermined`.
    """
    from XRayLib.tomography.undetermined import undetermined

    folder = request.folder_for_arrays()
    (volume,) = read_volumes(folder).values()
    device = request.param("device", str, "auto")
    found = undetermined(volume, read_radiographs(folder), device=device, progress=request.progress)
    write_document(
        folder, "undetermined", {"format": VOLUME_FORMAT, **volume_document(folder, "undetermined", found.volume)}
    )
    return json_ready({"mean": found.mean, "size_mm": found.size_mm})


def write_volume_report(request: Request) -> dict[str, Any]:
    """Params: ``report`` (folder to write into), ``method``, ``quality``, ``warnings``, ``provenance`` of the result.
    The folder holds ``volumes.json`` with "volume" and maybe "uncertainty", and ``radiographs.json``.

    The volume is projected anew into the X-rays as they stand. Value: ``html``, the path of the report.
    """
    from XRayLib.case import Result
    from XRayLib.report import write_volume_report as write
    from XRayLib.reprojection import reproject

    folder, report = request.folder_for_arrays(), Path(request.param("report", str))
    volumes, radiographs = read_volumes(folder), read_radiographs(folder)
    volume = volumes["volume"]
    result = Result(
        request.param("method", str),
        volume,
        uncertainty=volumes.get("uncertainty"),
        views=reproject(volume, radiographs),
        quality={name: value for name, value in request.param("quality", dict).items() if value is not None},
        warnings=tuple(request.param("warnings", list)),
        provenance=request.param("provenance", dict),
    )
    try:
        return {"html": str(write(result, report, request.progress))}
    except OSError as error:
        raise InputError(f"{report.name} cannot be written: choose another folder.") from error


def save_volume_as(request: Request) -> dict[str, Any]:
    """Params: ``path`` (a folder for DICOM, else a file), ``kind`` ("dicom" or "file"), ``method``.
    The folder holds ``volumes.json`` with the volume. Value: empty."""
    from XRayLib.ct import save_volume
    from XRayLib.ct.save_dicom_series import save_dicom_series

    (volume,) = read_volumes(request.folder_for_arrays()).values()
    path, kind = Path(request.param("path", str)), request.param("kind", str)
    request.progress(0.0, "Writing the volume")
    if kind == "dicom":
        save_dicom_series(volume, path, request.param("method", str, ""))
    else:
        save_volume(volume, path)
    return {}
