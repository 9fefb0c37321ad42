"""``xray3d register``: a CT placed on X-rays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.case import Options
from XRayLib.cli.film_notes import tell_unused_frames
from XRayLib.cli.options import (
    CtOption,
    DeviceOption,
    JsonFlag,
    MethodOption,
    ModelOption,
    OrganLabelOption,
    OrganMeshOption,
    RefineOption,
    SeedOption,
    ViewOption,
)
from XRayLib.cli.output import Output, reporting
from XRayLib.cli.outputs import check_folder, check_nothing_is_lost, check_report
from XRayLib.cli.registration_case import DEFAULT_METHOD, chosen_method
from XRayLib.cli.registration_run import POSE_SUFFIX, RegistrationRun, chosen_frames
from XRayLib.cli.starting_pose import tell_refused_start
from XRayLib.errors import InputError, RefusedError


def register(
    ct: CtOption,
    view: ViewOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The pose (.pose.json).")],
    method_id: MethodOption = DEFAULT_METHOD,
    model: ModelOption = "",
    initial: Annotated[
        Path | None, typer.Option("--initial", help="A pose to start from: .pose.json, .tfm, .h5 or sixteen numbers.")
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option("--landmarks", help="Points in the CT (.mrk.json, .fcsv, .csv), or all pairs in one JSON file."),
    ] = None,
    view_landmarks: Annotated[
        list[Path] | None,
        typer.Option("--view-landmarks", help="Once per view: the points on the detector, or pixels by name in JSON."),
    ] = None,
    initialisation: Annotated[str, typer.Option(help="auto, given, landmarks or search.")] = "auto",
    rotation_range: Annotated[float, typer.Option(help="Search this far each way, degrees.")] = 30.0,
    shift_range: Annotated[float, typer.Option(help="Search this far across the beam, mm.")] = 50.0,
    depth_range: Annotated[float, typer.Option(help="Search this far along the beam, mm.")] = 100.0,
    refine: RefineOption = True,
    refine_intrinsics: Annotated[
        bool, typer.Option("--refine-intrinsics", help="Also correct source distance and central ray.")
    ] = False,
    frames: Annotated[
        str, typer.Option("--frames", help="all, or as 1-5,8: a run's frames in turn, each from the pose before.")
    ] = "",
    deformable: Annotated[
        bool, typer.Option("--deformable", help="Then also deform the CT: bones each as a whole, breathing organs.")
    ] = False,
    deformation: Annotated[
        Path | None,
        typer.Option(help="The accepted deformation for Slicer and ITK, before the pose (.nii.gz, .mha, .nrrd)."),
    ] = None,
    prior_mesh: OrganMeshOption = None,
    prior_label: OrganLabelOption = "",
    labels: Annotated[
        Path | None, typer.Option(help="Bones and organs of the CT as labels, numbered as by TotalSegmentator.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Folder for overlays, error bars and HTML.")] = None,
    transform: Annotated[
        Path | None, typer.Option("--transform", help="The accepted pose for Slicer and ITK (.tfm, .h5).")
    ] = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Find where a CT is on X-rays. Exit code 3: refused, with the reason.

    The pose file then says "accepted": false; where no pose was found at all, none is left.
    """
    with reporting(as_json) as out:
        check_outputs(output, transform, deformation)
        check_report(report)
        read = (ct, initial, landmarks, *(view_landmarks or ()), prior_mesh, labels)
        check_nothing_is_lost((output, transform, deformation), read, view, prior_label)
        method_id = chosen_method(method_id, deformable, deformation, bool(prior_mesh or prior_label or labels))
        extra = {
            "initialisation": initialisation,
            "refine": refine,
            "refine_intrinsics": refine_intrinsics,
            "rotation_range_deg": rotation_range,
            "shift_range_mm": shift_range,
            "depth_range_mm": depth_range,
        }
        options = Options(device=device, bundle=model, seed=seed, extra=extra)
        given = {
            "initial": initial,
            "landmarks": landmarks,
            "view_landmarks": view_landmarks or (),
            "prior_mesh": prior_mesh,
            "prior_label": prior_label,
            "labels": labels,
        }
        run = RegistrationRun(view, method_id, options, given, output, transform, report, deformation)
        tell_refused_start(initial, out)
        if not frames:
            tell_unused_frames(view, out, "--frames")
        with out.progress() as progress:
            summaries = (
                run.frames(ct, chosen_frames(frames, run.images), progress) if frames else [run.single(ct, progress)]
            )
        _tell(out, summaries, single=not frames)


def check_outputs(output: Path, transform: Path | None, deformation: Path | None = None) -> None:
    """Fail before the work, not after it."""
    from XRayLib.deformation_file import check_deformation_name
    from XRayLib.transform_file import check_transform_name

    if not output.name.endswith(".json"):
        raise InputError(f"{output.name}: name the pose {POSE_SUFFIX}.")
    names = (output, transform and check_transform_name(transform), deformation and check_deformation_name(deformation))
    for path in names:
        if path is not None:
            check_folder(path)


def _tell(out: Output, summaries: list[dict[str, Any]], single: bool) -> None:
    for warning in dict.fromkeys(warning for summary in summaries for warning in summary["warnings"]):
        out.say(f"Note: {warning}")
    refused = [summary for summary in summaries if not summary["accepted"]]
    for summary in refused:
        at = "" if single else f" (frame {summary['frame']})"
        out.say(f"Refused{at}: {summary['reason']}")
    values = summaries[0] if single else {"frames": summaries, "accepted": not refused}
    if refused:
        values = values | {"error": {"code": RefusedError.code, "message": refused[0]["reason"]}}
    out.result(values, "\n".join(_line(summary) for summary in summaries))
    if refused:
        raise typer.Exit(RefusedError.exit_code)


def _line(summary: dict[str, Any]) -> str:
    if "output" not in summary:
        return f"Frame {summary['frame']}: refused, nothing written"
    words = [f"Wrote {summary['output']}: {'accepted' if summary['accepted'] else 'refused'}"]
    if summary["confidence"] is not None:
        words.append(f"confidence {summary['confidence']:.2f}")
    if summary["deviation_mm"] is not None:
        right, front, head = summary["deviation_mm"]
        words.append(f"standard deviations {right:.2f} / {front:.2f} / {head:.2f} mm toward R / A / S")
    if "folding_fraction" in summary["quality"]:
        words.append(f"{summary['quality']['folding_fraction']:.2%} folded")
    return ", ".join(words)
