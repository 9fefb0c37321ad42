"""What a panel asks of the worker about volumes that are already there: jobs for ``WorkerClient.submit``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayLib.jobs.job import Job

if TYPE_CHECKING:
    from XRayLib.ct import Volume
    from XRayLib.radiograph import Radiograph

Callbacks = Mapping[str, Callable[..., None]]
"""``on_progress``, ``on_result`` and ``on_error`` of :class:`Job`."""


def comparison_job(
    results: Mapping[str, Volume],
    reference: tuple[str, Volume] | None,
    radiographs: Sequence[Radiograph],
    callbacks: Callbacks,
) -> Job:
    """Compare two results, or one result with a reference CT, all in HU and in one RAS frame.

    ``on_result`` gets ``rows`` (title, values by column, is_share) and ``difference``, (k, j, i) in HU on the grid of
    the first result: the first minus the second, or minus the reference where there is one result.
    """
    from XRayLib.jobs.array_files import read_array

    volumes = dict(results) | ({} if reference is None else {reference[0]: reference[1]})
    params = {"results": list(results), "reference": "" if reference is None else reference[0]}

    def read(folder: Path, value: Any) -> dict[str, Any]:
        return {"rows": value["rows"], "difference": read_array(folder, value["difference"], ndim=3)}

    return Job("compare_volumes", params, **callbacks, write=_writer(volumes, radiographs), read=read)


def undetermined_job(volume: Volume, radiographs: Sequence[Radiograph], device: str, callbacks: Callbacks) -> Job:
    """What X-rays leave open of a volume in HU; ``on_result`` gets XRayLib.tomography.undetermined.Undetermined."""

    def read(folder: Path, value: Any) -> Any:
        from XRayLib.jobs.array_files import read_document
        from XRayLib.jobs.case_files import VOLUME_FORMAT, parse_volume
        from XRayLib.tomography.undetermined import Undetermined

        found = parse_volume(folder, read_document(folder, "undetermined", VOLUME_FORMAT))
        return Undetermined(found, float(value["mean"]), float(value["size_mm"]))

    write = _writer({"volume": volume}, radiographs)
    return Job("undetermined_share", {"device": device}, **callbacks, write=write, read=read, device=device)


def report_job(
    volumes: Mapping[str, Volume],
    radiographs: Sequence[Radiograph],
    told: Mapping[str, Any],
    folder: Path,
    callbacks: Callbacks,
) -> Job:
    """Write the report of a volume into ``folder``; ``on_result`` gets the path of its HTML file.

    ``volumes``: "volume" and maybe "uncertainty"; ``told``: method, quality, warnings and provenance of the result.
    """
    params = {**told, "report": str(folder.absolute())}
    write = _writer(volumes, radiographs)
    return Job("write_volume_report", params, **callbacks, write=write, read=lambda _folder, value: value["html"])


def save_volume_job(volume: Volume, path: Path, as_dicom: bool, method: str, callbacks: Callbacks) -> Job:
    """Write a volume in HU as DICOM slices into the folder ``path``, or into the file ``path``."""
    params = {"path": str(path.absolute()), "kind": "dicom" if as_dicom else "file", "method": method}
    return Job("save_volume_as", params, **callbacks, write=_writer({"volume": volume}, ()))


def _writer(volumes: Mapping[str, Volume], radiographs: Sequence[Radiograph]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        from XRayLib.jobs.volume_files import write_radiographs, write_volumes

        write_volumes(folder, volumes)
        write_radiographs(folder, radiographs)

    return write
