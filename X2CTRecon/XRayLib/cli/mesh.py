"""``xray3d mesh``: an organ's surface from X-rays and the patient's CT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayLib.case import Case, Options, Result
from XRayLib.cli.film_notes import tell_unused_frames
from XRayLib.cli.in_worker import run_in_worker
from XRayLib.cli.options import (
    DeviceOption,
    FrameOption,
    JsonFlag,
    MethodOption,
    OrganLabelOption,
    OrganMeshOption,
    RefineOption,
    SeedOption,
    ViewOption,
)
from XRayLib.cli.output import reporting
from XRayLib.cli.outputs import check_nothing_is_lost, check_suffix
from XRayLib.cli.starting_pose import tell_refused_start
from XRayLib.errors import InputError

SUFFIXES = (".vtp", ".stl")


def mesh(
    view: ViewOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The organ's surface, RAS (.vtp, .stl).")],
    prior_ct: Annotated[Path, typer.Option("--prior-ct", help="The CT that the method was prepared for.")],
    method_id: MethodOption = "organ-mesh",
    prior_mesh: OrganMeshOption = None,
    prior_label: OrganLabelOption = "",
    initial: Annotated[
        Path | None, typer.Option("--initial", help="Where the CT lies: .pose.json of `xray3d register`, .tfm, .h5.")
    ] = None,
    refine: RefineOption = True,
    frame: FrameOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Find where a breathing organ is on X-rays. The method must have been prepared: `xray3d prepare`."""
    with reporting(as_json) as out:
        check_suffix(output, SUFFIXES)
        check_nothing_is_lost((output,), (prior_ct, prior_mesh, initial), view, prior_label)
        options = Options(device=device, seed=seed, extra={"refine": refine})
        tell_refused_start(initial, out)
        if frame is None:
            tell_unused_frames(view, out)
        with out.progress() as progress:
            case = load_mesh_case(view, prior_ct, prior_mesh, prior_label, initial, frame or 1)
            result = run_in_worker(case, method_id, options, progress, "mesh")
        summary = save_mesh_result(result, output)
        for warning in result.warnings:
            out.say(f"Note: {warning}")
        out.result(summary, _line(summary))


def load_mesh_case(
    views: list[str],
    ct: Path,
    prior_mesh: Path | None,
    prior_label: str,
    initial: Path | None = None,
    frame: int = 1,
) -> Case:
    """The case that the command's files describe; InputError without an organ."""
    from XRayLib.cli.organ import load_organ
    from XRayLib.ct import load_ct
    from XRayLib.pose_file import read_pose
    from XRayLib.radiograph import load_radiograph, parse_view_argument

    organ = load_organ(prior_mesh, prior_label)
    if organ is None:
        raise InputError("Name the organ in the CT: --prior-mesh MESH or --prior-label LABELS:VALUE.")
    radiographs = tuple(load_radiograph(*parse_view_argument(view), frame_index=frame - 1) for view in views)
    pose = None if initial is None else read_pose(initial)
    return Case(radiographs, ct=load_ct(ct), mesh=organ, initial_ct_to_world=pose)


def save_mesh_result(result: Result, output: Path) -> dict[str, object]:
    """Write the surface; what the command tells."""
    from XRayLib.mesh import save_mesh
    from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed

    if result.mesh is None:
        raise RuntimeError("the method returned no mesh")
    save_mesh(result.mesh, output)
    means = {f"mean_{name}": float(values.mean()) for name, values in result.mesh.scalars.items()}
    return {
        "output": output,
        "method": result.method,
        "vertices": len(result.mesh.points),
        "volume_ml": enclosed_volume_ml(result.mesh) if is_closed(result.mesh) else None,
        **means,
        "quality": result.quality,
        "warnings": result.warnings,
        "provenance": result.provenance,
    }


def _line(summary: dict[str, object]) -> str:
    words = [f"Wrote {summary['output']}"]
    if "mean_displacement_mm" in summary:
        words.append(f"moved by {summary['mean_displacement_mm']:.1f} mm on average")
    if "mean_deviation_mm" in summary:
        words.append(f"standard deviation {summary['mean_deviation_mm']:.1f} mm")
    return ", ".join(words)
