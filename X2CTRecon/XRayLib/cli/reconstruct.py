"""``xray3d reconstruct``: X-rays to a CT-like volume."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.case import Case, Options, Result
from XRayLib.cli.film_notes import tell_unused_frames
from XRayLib.cli.in_worker import run_in_worker
from XRayLib.cli.options import DeviceOption, FrameOption, JsonFlag, MethodOption, ModelOption, SeedOption, ViewOption
from XRayLib.cli.output import reporting
from XRayLib.cli.outputs import check_nothing_is_lost, check_report, check_suffix
from XRayLib.cli.starting_pose import tell_refused_start
from XRayLib.ct.save import WRITABLE_SUFFIXES
from XRayLib.errors import InputError
from XRayLib.registry import Method, method


def reconstruct(
    view: ViewOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The volume in HU (.nii.gz, .nrrd, .mha).")],
    method_id: MethodOption = "atlas",
    model: ModelOption = "",
    prior_ct: Annotated[Path | None, typer.Option("--prior-ct", help="An earlier CT of the patient.")] = None,
    initial: Annotated[
        Path | None,
        typer.Option("--initial", help="Where the prior CT lies: .pose.json of `xray3d register`, .tfm, .h5."),
    ] = None,
    body_part: Annotated[str, typer.Option("--body-part", help="e.g. chest.")] = "",
    consistent: Annotated[
        bool, typer.Option("--consistent", help="Adjust the volume until it projects to the films.")
    ] = False,
    style_transfer: Annotated[
        bool,
        typer.Option(
            "--style-transfer/--no-style-transfer",
            help="Give films processed for reading the look of simulated ones first; research, off unless asked for.",
        ),
    ] = False,
    estimate_geometry: Annotated[
        bool,
        typer.Option(
            "--estimate-geometry/--no-estimate-geometry",
            help="Estimate first what was assumed of the films' geometry: shifts, turns, angles, distances.",
        ),
    ] = False,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            help="Settings of a method that has several, as nerp: quick, or published (for a graphics card).",
        ),
    ] = "",
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Tissues (1 lung, 2 soft tissue, 3 bone) of a method that has them.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for residuals, HTML and PDF; or a .pdf file.")
    ] = None,
    frame: FrameOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Reconstruct a CT-like volume from X-rays. Internal detail is a plausible estimate, not a measurement."""
    with reporting(as_json) as out:
        for path in (output, labels):
            if path is not None:
                check_suffix(path, WRITABLE_SUFFIXES)
        check_report(report)
        check_nothing_is_lost((output, labels), (prior_ct, initial), view)
        if initial is not None and prior_ct is None:
            raise InputError("--initial says where the CT of --prior-ct lies: give both, or neither.")
        tell_refused_start(initial, out)
        if frame is None:
            tell_unused_frames(view, out)
        asked = {"consistent": consistent, "style_transfer": style_transfer, "estimate_geometry": estimate_geometry}
        extra: dict[str, Any] = {name: True for name, wanted in asked.items() if wanted}
        if preset:
            check_presets(method(method_id))
            extra["preset"] = preset
        options = Options(device=device, bundle=model, seed=seed, extra=extra)
        with out.progress() as progress:
            case = load_case(view, prior_ct, body_part, initial, frame or 1)
            result = run_in_worker(case, method_id, options, progress, "volume")
            save_result(result, output, report, labels)
        for warning in result.warnings:
            out.say(f"Note: {warning}")
        summary = {
            "output": output,
            "method": result.method,
            "quality": result.quality,
            "warnings": result.warnings,
            "provenance": result.provenance,
        }
        out.result(summary, f"Wrote {output}")


def check_presets(chosen: Method) -> None:
    """InputError for a method that would overlook a preset."""
    if not chosen.presets:
        raise InputError(f"{chosen.title} has no presets: leave --preset out, or choose another method.")


def load_case(
    views: list[str],
    prior_ct: Path | None = None,
    body_part: str = "",
    initial: Path | None = None,
    frame: int = 1,
) -> Case:
    """The case that ``--view``, ``--prior-ct``, ``--initial`` and ``--frame`` describe."""
    from XRayLib.ct import load_ct
    from XRayLib.pose_file import read_pose
    from XRayLib.radiograph import load_radiograph, parse_view_argument

    radiographs = []
    for argument in views:
        image, geometry = parse_view_argument(argument)
        radiographs.append(load_radiograph(image, geometry, frame_index=frame - 1))
    return Case(
        tuple(radiographs),
        ct=None if prior_ct is None else load_ct(prior_ct),
        initial_ct_to_world=None if initial is None else read_pose(initial),
        body_part=body_part,
    )


def save_result(result: Result, output: Path, report: Path | None, labels: Path | None = None) -> None:
    """The volume file and, when asked for, the report and the tissues."""
    from XRayLib.ct import save_volume

    if result.volume is None:
        raise RuntimeError("the method returned no volume")
    if labels is not None:
        if result.labels is None:
            raise InputError(f"The method {result.method} tells no tissues: use atlas or lifting, or drop --labels.")
        save_volume(result.labels, labels)
    save_volume(result.volume, output)
    if report is not None:
        from XRayLib.report import write_volume_report

        write_volume_report(result, report)
