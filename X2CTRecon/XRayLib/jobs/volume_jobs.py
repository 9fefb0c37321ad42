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


def _writer(volumes: Mapping[str, Volume], radiographs: Sequence[Radiograph]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        from XRayLib.jobs.volume_files import write_radiographs, write_volumes

        write_volumes(folder, volumes)
        write_radiographs(folder, radiographs)

    return write
