"""``xray3d evaluate``: every metric of a result against a reference, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.cli.options import JsonFlag
from XRayLib.cli.output import reporting

app = typer.Typer(no_args_is_help=True)

Reference = Annotated[Path, typer.Option("--reference", help="What is true.")]
ResultFile = Annotated[Path, typer.Option("--result", help="What is judged.")]
Views = Annotated[list[str] | None, typer.Option("--view", help="IMAGE[:GEOMETRY]; once per view.")]
File = Path | None


def _option(text: str, name: str | None = None) -> Any:
    return typer.Option(*([name] if name else []), help=text)


@app.command()
def volume(
    reference: Reference,
    result: ResultFile,
    view: Views = None,
    labels: Annotated[File, _option("Label volume of the reference.")] = None,
    result_labels: Annotated[File, _option("Label volume of the result.")] = None,
    template: Annotated[File, _option("Mean template, judged as a baseline.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """A reconstructed volume against the CT, in HU."""
    options = {"views": view, "labels": labels, "result_labels": result_labels, "template": template}
    _evaluate("volume", reference, result, as_json, options)


@app.command()
def mesh(
    reference: Reference,
    result: ResultFile,
    view: Views = None,
    template: Annotated[File, _option("Mean or pre-operative mesh, judged as a baseline.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """An organ surface against the true one; with --view also the error along and across the ray."""
    _evaluate("mesh", reference, result, as_json, {"views": view, "template": template})


@app.command()
def pose(
    reference: Reference,
    result: ResultFile,
    ct: Annotated[File, _option("The CT: targets are a grid inside the body.")] = None,
    landmarks: Annotated[File, _option("Targets in the CT's RAS instead.")] = None,
    view: Views = None,
    initial: Annotated[File, _option("The pose before registration, judged as a baseline.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """A registered pose against the true one: pose files, transforms of Slicer or ITK, or files of sixteen numbers."""
    options = {"ct": ct, "landmarks": landmarks, "views": view, "initial": initial}
    _evaluate("pose", reference, result, as_json, options)


@app.command()
def deformation(
    reference: Reference,
    result: ResultFile,
    mask: Annotated[File, _option("Where errors of the field count; default: all of it, air included.")] = None,
    landmarks: Annotated[File, _option("Landmarks in the deformed anatomy.")] = None,
    ct_landmarks: Annotated[File, _option("The same landmarks in the CT.")] = None,
    labels: Annotated[File, _option("Labels of the deformed anatomy.")] = None,
    ct_labels: Annotated[File, _option("Labels of the CT.")] = None,
    ct: Annotated[File, _option("The CT, for views that the registration has not seen.")] = None,
    view: Views = None,
    as_json: JsonFlag = False,
) -> None:
    """A displacement field against the true one."""
    options = {
        "mask": mask,
        "landmarks": landmarks,
        "ct_landmarks": ct_landmarks,
        "labels": labels,
        "ct_labels": ct_labels,
        "ct": ct,
        "views": view,
    }
    _evaluate("deformation", reference, result, as_json, options)


def _evaluate(kind: str, reference: Path, result: Path, as_json: bool, options: Mapping[str, Any]) -> None:
    with reporting(as_json) as out:
        from XRayLib.metrics.evaluate_files import evaluate_files

        given = {name: value for name, value in options.items() if value is not None}
        values = evaluate_files(kind, reference, result, **given)
        out.result(values, _table(values))


def _table(values: Mapping[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}:", _table(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value:.4g}" if isinstance(value, float) else f"{indent}{name}: {value}")
    return "\n".join(lines)
