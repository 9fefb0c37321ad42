"""The commands, gathered."""

from __future__ import annotations

import logging

import typer

from XRayLib.cli import (
    batch,
    bench,
    demo,
    evaluate,
    export_dicom,
    mesh,
    models,
    prepare,
    reconstruct,
    register,
    simulate,
    train,
)

app = typer.Typer(
    name="xray3d",
    help="One or two X-rays in, three dimensions out. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _logging(verbose: bool = typer.Option(False, "--verbose", help="Log what happens to stderr.")) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )


app.command("simulate")(simulate.simulate)
app.command("reconstruct")(reconstruct.reconstruct)
app.command("export-dicom")(export_dicom.export_dicom)
app.command("mesh")(mesh.mesh)
app.command("register")(register.register)
app.command("prepare")(prepare.prepare)
app.command("batch")(batch.batch)
app.command("train")(train.train)
app.command("export")(train.export)
app.command("demo")(demo.demo)
app.command("bench")(bench.bench)
app.add_typer(evaluate.app, name="evaluate", help="Metrics of a result against a reference.")
app.add_typer(models.app, name="models", help="Model bundles on this computer.")
