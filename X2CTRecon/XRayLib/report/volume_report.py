"""The report of a reconstructed volume, with what its X-rays leave open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from XRayLib.case import Result
from XRayLib.errors import InputError
from XRayLib.report.html_report import report_writer


def write_volume_report(
    result: Result, target: Path, progress: Callable[[float, str], None] = lambda _fraction, _stage: None
) -> Path:
    """The report of :mod:`XRayLib.report.html_report` with the share that the X-rays of ``result.views`` do not
    determine, into the folder ``target``, or only the PDF where ``target`` ends so.

    Where that share cannot be found, the report's notes say why. Returns the path of the HTML file, or of the PDF.
    """
    from XRayLib.tomography.undetermined import undetermined

    write = report_writer(target)
    try:
        films = [view.radiograph for view in result.views]
        found = undetermined(result.volume, films, progress=progress)
    except InputError as error:
        reason = f"What the X-rays do not determine could not be found: {error}"
        return write(replace(result, warnings=(*result.warnings, reason)), target)
    return write(result, target, undetermined=found)
