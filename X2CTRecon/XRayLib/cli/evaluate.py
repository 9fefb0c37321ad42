"""``xray3d evaluate``: every metric of a result against a reference, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.cli.output import JsonFlag, reporting

app = typer.Typer(no_args_is_help=True)

Reference = Annotated[Path, typer.Option("--reference", help="What is true.")]
ResultFile = Annotated[Path, typer.Option("--result", help="What is judged.")]


@app.command()
def volume(
    reference: Reference,
    result: ResultFile,
    view: Annotated[
        list[str] | None, typer.Option("--view", help="IMAGE[:GEOMETRY] for the re-projection residual.")
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="Label volume of the reference.")] = None,
    template: Annotated[Path | None, typer.Option("--template", help="Mean template, judged as a baseline.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """A reconstructed volume against the CT."""
    with reporting(as_json) as out:
        from XRayLib.ct import load_ct
        from XRayLib.metrics import evaluate_volume
        from XRayLib.radiograph import load_radiograph, parse_view_argument

        values = evaluate_volume(
            load_ct(reference),
            load_ct(result),
            radiographs=tuple(load_radiograph(*parse_view_argument(argument)) for argument in view or ()),
            labels=None if labels is None else load_ct(labels),
            template=None if template is None else load_ct(template),
        )
        out.result(values, _table(values))


def _table(values: Mapping[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}:", _table(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value:.4g}" if isinstance(value, float) else f"{indent}{name}: {value}")
    return "\n".join(lines)
