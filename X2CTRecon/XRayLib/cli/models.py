"""``xray3d models``: the model bundles on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from XRayLib.cli.options import DeviceOption, JsonFlag
from XRayLib.cli.output import reporting
from XRayLib.errors import InputError, RefusedError

if TYPE_CHECKING:
    from XRayLib.bundle import Bundle

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_models(as_json: JsonFlag = False) -> None:
    """The installed bundles."""
    with reporting(as_json) as out:
        from XRayLib.bundle import installed_bundles

        bundles = installed_bundles().values()
        rows = [{"id": b.id, "version": b.version, "task": b.task, "title": b.title} for b in bundles]
        out.result({"models": rows}, "\n".join(f"{r['id']:32} {r['version']:8} {r['title']}" for r in rows))


@app.command()
def show(model: str, as_json: JsonFlag = False) -> None:
    """Everything a bundle says about itself."""
    with reporting(as_json) as out:
        bundle = _bundle(model)
        card = bundle.folder / "README.md"
        out.result(bundle.manifest, card.read_text(encoding="utf-8") if card.is_file() else bundle.title)


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="Bundle id; empty for all.")] = "",
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Run a bundle's built-in test input on this computer and compare with the expected output."""
    with reporting(as_json) as out:
        from XRayLib.bundle import installed_bundles
        from XRayLib.runtime import verify_bundle

        chosen = [_bundle(model)] if model else list(installed_bundles().values())
        reports = {bundle.id: verify_bundle(bundle, device).as_json() for bundle in chosen}
        failed = [name for name, report in reports.items() if not report["passed"]]
        out.result({"models": reports}, "\n".join(f"{name}: {_words(report)}" for name, report in reports.items()))
        if failed:
            out.say(f"{', '.join(failed)} does not compute what it should here: try --device cpu.")
            raise typer.Exit(RefusedError.exit_code)


@app.command("import")
def import_model(
    path: Path,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of one with the same id.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Add a bundle (folder or zip) after checking schema, paths, sizes and hashes."""
    with reporting(as_json) as out:
        from XRayLib.bundle import import_bundle

        bundle = import_bundle(path, replace=replace)
        out.result({"id": bundle.id, "folder": bundle.folder}, f"Imported {bundle.id} {bundle.version}")


@app.command()
def remove(model: str, as_json: JsonFlag = False) -> None:
    """Remove an imported bundle; bundles shipped with the extension stay."""
    with reporting(as_json) as out:
        from XRayLib.bundle import remove_bundle

        remove_bundle(model)
        out.result({"removed": model}, f"Removed {model}")


def _bundle(model: str) -> Bundle:
    from XRayLib.bundle import installed_bundles

    bundles = installed_bundles()
    if model not in bundles:
        raise InputError(f"There is no model '{model}'. Installed: {', '.join(bundles) or 'none'}.")
    return bundles[model]


def _words(report: dict) -> str:
    checks = [
        f"{check['device']} {'as expected' if check['passed'] else check['reason']}" for check in report["checks"]
    ]
    return "; ".join(checks)
