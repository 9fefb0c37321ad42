"""``xray3d simulate``: radiographs of a CT, with their geometry in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayLib.case_checks import check_size
from XRayLib.cli.film_notes import tell_shared_geometry
from XRayLib.cli.options import DeviceOption, JsonFlag, SeedOption
from XRayLib.cli.output import numbers, reporting, whole_numbers
from XRayLib.cli.outputs import check_nothing_is_lost
from XRayLib.errors import InputError


def simulate(
    ct: Annotated[Path, typer.Argument(help="CT in HU: NIfTI, NRRD, MHA or a DICOM folder.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".dcm, .nrrd, .nii.gz, .png or .tif; a folder with --count.")
    ],
    primary_angle: Annotated[float, typer.Option(help="Degrees, + toward LAO; 0 is PA, 90 left lateral.")] = 0.0,
    secondary_angle: Annotated[float, typer.Option(help="Degrees, + toward CRA.")] = 0.0,
    isocenter: Annotated[str, typer.Option(help="R,A,S in mm; default: the middle of the CT.")] = "",
    source_to_detector: Annotated[float, typer.Option(help="mm")] = 1020.0,
    source_to_isocenter: Annotated[float, typer.Option(help="mm")] = 700.0,
    size: Annotated[str, typer.Option(help="COLUMNS,ROWS")] = "512,512",
    spacing: Annotated[float, typer.Option(help="Pixel spacing on the detector, mm; default: the CT fits.")] = 0.0,
    energy: Annotated[float, typer.Option(help="Effective energy, keV.")] = 64.0,
    realism: Annotated[str, typer.Option(help="none, mild or hard.")] = "none",
    seed: SeedOption = 0,
    count: Annotated[int, typer.Option(help="How many radiographs; more than one makes a dataset.")] = 1,
    poses: Annotated[str, typer.Option(help="fixed or random.")] = "fixed",
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Simulate radiographs (DRRs) of a CT."""
    with reporting(as_json) as out:
        from XRayLib.ct import load_ct
        from XRayLib.simulate import SimulationPlan, simulate_to_files

        check_nothing_is_lost((output,), (ct,))
        columns, rows = whole_numbers(size, 2, "--size")
        if poses not in ("fixed", "random"):
            raise InputError("--poses is fixed or random.")
        plan = SimulationPlan(
            primary_angle_deg=primary_angle,
            secondary_angle_deg=secondary_angle,
            isocenter_ras_mm=numbers(isocenter, 3, "--isocenter") if isocenter else None,
            source_to_detector_mm=source_to_detector,
            source_to_isocenter_mm=source_to_isocenter,
            size_px=(columns, rows),
            pixel_spacing_mm=spacing or None,
            energy_kev=energy,
            realism=realism,
            seed=seed,
            count=count,
            random_poses=poses == "random",
            device=device,
        )
        volume = load_ct(ct)
        check_size(volume)
        with out.progress() as progress:
            written = simulate_to_files(volume, plan, output, progress)
        if count == 1:
            tell_shared_geometry(output, out)
        out.result({"output": written}, "\n".join(f"Wrote {path}" for path in written))
