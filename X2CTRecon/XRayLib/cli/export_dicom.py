"""``xray3d export-dicom``: a reconstructed volume as a DICOM CT series that says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayLib.cli.options import JsonFlag
from XRayLib.cli.output import reporting


def export_dicom(
    volume: Annotated[Path, typer.Argument(help="A volume in HU: .nii.gz, .nrrd, .mha.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new or empty folder for the slices.")],
    method: Annotated[str, typer.Option("--method", help="How it was made, for Derivation Description.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write a volume reconstructed from X-rays as DICOM slices: derived, for research, of no real patient.

    Not for measured CTs: every slice is labelled as reconstructed from X-rays.
    """
    with reporting(as_json) as out:
        from XRayLib.ct import load_volume
        from XRayLib.ct.save_dicom_series import save_dicom_series

        files = save_dicom_series(load_volume(volume), output, method)
        out.result({"output": output, "slices": len(files)}, f"Wrote {len(files)} slices into {output}")
