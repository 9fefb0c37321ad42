"""``xray3d prepare``: train a method for one patient, before the intervention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.cli.options import DeviceOption, JsonFlag, OrganLabelOption, OrganMeshOption, SeedOption
from XRayLib.cli.output import numbers, reporting


def prepare(
    ct: Annotated[Path, typer.Argument(help="CT in HU: NIfTI, NRRD, MHA or a DICOM folder.")],
    what: Annotated[
        str, typer.Option("--what", help="Id of a method that is prepared, e.g. pose-regression or organ-mesh.")
    ] = "pose-regression",
    prior_mesh: OrganMeshOption = None,
    prior_label: OrganLabelOption = "",
    minutes: Annotated[float, typer.Option("--minutes", help="Time to train, all runs together.")] = 45.0,
    iterations: Annotated[int, typer.Option("--iterations", help="Batches to train instead of a time.")] = 0,
    views: Annotated[
        str, typer.Option("--views", help="Nominal primary angles of the films to come, degrees, e.g. 0,90.")
    ] = "",
    rotation_range: Annotated[
        float | None, typer.Option(help="Cope with this much rotation each way, degrees.")
    ] = None,
    input_px: Annotated[int | None, typer.Option(help="64, 128, 256 or 512; more with a graphics card.")] = None,
    width: Annotated[int, typer.Option(help="Channels of the first level; 0: the method's own.")] = 0,
    batch: Annotated[int, typer.Option(help="Films per step; 0: the method's own.")] = 0,
    workers: Annotated[int, typer.Option(help="Threads that make films beside the training.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Forget an unfinished preparation.")] = False,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Train a method for this CT. Ctrl-C keeps what was learned; the same command goes on from there."""
    with reporting(as_json) as out:
        from XRayLib.cli.organ import load_organ
        from XRayLib.ct import load_ct
        from XRayLib.prepared_method import prepared_method

        settings: dict[str, Any] = {
            "minutes": minutes,
            "iterations": iterations,
            "width": width,
            "batch": batch,
            "workers": workers,
            "seed": seed,
            "device": device,
        }
        if views:
            settings["views_deg"] = [(angle, 0.0) for angle in numbers(views, views.count(",") + 1, "--views")]
        given = {"rotation_range_deg": rotation_range, "input_px": input_px}
        settings |= {name: value for name, value in given.items() if value is not None}
        chosen = prepared_method(what)
        organ = load_organ(prior_mesh, prior_label)
        with out.progress() as progress:
            volume = load_ct(ct)
            bundle = chosen.prepare(volume, settings, progress, mesh=organ, resume=not restart)
        state = chosen.preparation_state(volume, organ)
        out.result({"bundle": bundle, "what": what, **state}, _sentence(state, bundle))


def _sentence(state: dict[str, Any], bundle: Path) -> str:
    measured = state.get("validation") or {}
    films = f"({measured.get('films', 0)} simulated films)"
    if "surface_mm" in measured:
        told = f"median surface error {measured['surface_mm']} mm, {measured['identity_surface_mm']} mm where it was"
    elif measured.get("mtre_mm") is None:
        told = "no pose in the median"
    else:
        told = f"median error {measured['mtre_mm']:.1f} mm before refinement"
    return f"Prepared with {state['iterations']} batches, {told} {films}: {bundle}"
