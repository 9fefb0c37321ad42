"""``xray3d prepare``: train a registration method for one patient, before the intervention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.cli.output import DeviceOption, JsonFlag, numbers, reporting


def prepare(
    ct: Annotated[Path, typer.Argument(help="CT in HU: NIfTI, NRRD, MHA or a DICOM folder.")],
    what: Annotated[str, typer.Option("--what", help="pose-regression or scene-coordinates.")] = "pose-regression",
    minutes: Annotated[float, typer.Option("--minutes", help="Time to train, all runs together.")] = 45.0,
    views: Annotated[
        str, typer.Option("--views", help="Nominal primary angles of the films to come, degrees, e.g. 0,90.")
    ] = "0,90",
    rotation_range: Annotated[float, typer.Option(help="Cope with this much rotation each way, degrees.")] = 35.0,
    input_px: Annotated[int, typer.Option(help="64; 128 with a graphics card or overnight.")] = 64,
    workers: Annotated[int, typer.Option(help="Threads that make films beside the training.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Forget an unfinished preparation.")] = False,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Train a method for this CT. Ctrl-C keeps what was learned; the same command goes on from there."""
    with reporting(as_json) as out:
        from XRayLib.ct import load_ct
        from XRayLib.prepared_method import prepared_method

        angles = numbers(views, views.count(",") + 1, "--views")
        settings: dict[str, Any] = {
            "minutes": minutes,
            "views_deg": [(angle, 0.0) for angle in angles],
            "rotation_range_deg": rotation_range,
            "input_px": input_px,
            "workers": workers,
            "seed": seed,
            "device": device,
        }
        chosen = prepared_method(what)
        with out.progress() as progress:
            volume = load_ct(ct)
            bundle = chosen.prepare(volume, settings, progress, resume=not restart)
        state = chosen.preparation_state(volume)
        out.result({"bundle": bundle, "what": what, **state}, _sentence(state, bundle))


def _sentence(state: dict[str, Any], bundle: Path) -> str:
    measured = state.get("validation") or {}
    error = measured.get("mtre_mm")
    told = "no pose in the median" if error is None else f"median error {error:.1f} mm before refinement"
    return f"Prepared with {state['iterations']} batches, {told} ({measured.get('films', 0)} simulated films): {bundle}"
