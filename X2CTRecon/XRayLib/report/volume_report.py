"""The report of a reconstructed volume, with what its X-rays leave open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from XRayLib.case import Result
from XRayLib.errors import InputError
from XRayLib.report.html_report import write_report


def write_volume_report(
    result: Result, folder: Path, progress: Callable[[float, str], None] = lambda _fraction, _stage: None
) -> Path:
    """:func:`write_report` with the share that the X-rays of ``result.views`` do not determine.

    Where that cannot be found, the report's notes say why. Returns the path of the HTML file.
    """
    from XRayLib.tomography.undetermined import undetermined

    try:
        films = [view.radiograph for view in result.views]
        found = undetermined(result.volume, films, progress=progress)
    except InputError as error:
        reason = f"What the X-rays do not determine could not be found: {error}"
        return write_report(replace(result, warnings=(*result.warnings, reason)), folder)
    return write_report(result, folder, undetermined=found)
