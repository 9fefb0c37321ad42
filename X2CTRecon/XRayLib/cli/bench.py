"""``xray3d bench``: measured speed beside peers, as JSON lines."""

from __future__ import annotations

import importlib
import json
from typing import Annotated

import typer

from XRayLib.cli.options import JsonFlag
from XRayLib.cli.output import reporting
from XRayLib.errors import InputError

BENCHMARKS = {
    "projector": "XRayLib.projector.benchmark",
    "x2ct": "XRayLib.runtime.benchmark",
    "registration": "XRayRegistrationLib.rigid.benchmark",
}
"""Name -> module with ``benchmark()``, which yields one dict per case."""


def bench(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}; empty for all.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Run benchmarks; a JSON object per line as they come. Peers run in the same process when they are installed."""
    with reporting(as_json) as out:
        if name and name not in BENCHMARKS:
            raise InputError(f"There is no benchmark '{name}'. Known: {', '.join(BENCHMARKS)}.")
        rows: dict[str, list[dict]] = {}
        for chosen in [name] if name else BENCHMARKS:
            out.say(f"Benchmark {chosen} ...")
            rows[chosen] = []
            for row in importlib.import_module(BENCHMARKS[chosen]).benchmark():
                rows[chosen].append(row)
                if not as_json:
                    typer.echo(json.dumps(row))
        if as_json:
            out.result(rows, "")
