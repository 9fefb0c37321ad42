"""``xray3d batch``: many cases from a table; one bad case never stops the rest."""

from __future__ import annotations

import csv
import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from XRayLib.case import Options
from XRayLib.cli.in_worker import run_in_worker
from XRayLib.cli.options import DeviceOption, JsonFlag
from XRayLib.cli.output import json_ready, reporting
from XRayLib.cli.reconstruct import load_case, save_result
from XRayLib.cli.registration_case import DEFAULT_METHOD as DEFAULT_REGISTRATION
from XRayLib.cli.registration_case import is_accepted, load_registration_case, remove_earlier, save_registration
from XRayLib.errors import InputError, MissingDependencyError, RefusedError, XRay3DError
from XRayLib.radiograph import parse_view_argument
from XRayLib.radiograph.view_argument import VIEW_WORDS
from XRayLib.registry import REGISTERS
from XRayLib.whole_file import whole_file

DEFAULT_RECONSTRUCTION = "atlas"
CONNECT_S = 10.0
NO_CLUSTER = "There is no Ray cluster at '{address}': give HOST:PORT of its head, or local."
FILE_COLUMNS = ("prior_ct", "ct", "initial", "landmarks")
"""Beside view1, view2, ...: relative paths in them are taken from the table's folder."""


def batch(
    cases: Annotated[
        Path,
        typer.Argument(
            help="CSV with columns id, view1, view2, ... and optional method, model, frame, prior_ct; with a ct, and "
            "optional initial and landmarks, a row is a registration."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder: a volume or pose and a .json per case.")],
    method_id: Annotated[
        str, typer.Option("--method", help=f"Default: {DEFAULT_RECONSTRUCTION}, or {DEFAULT_REGISTRATION} with a ct.")
    ] = "",
    ray: Annotated[
        str, typer.Option("--ray", help="Ray cluster address, or 'local'; empty runs one case at a time.")
    ] = "",
    device: DeviceOption = "auto",
    as_json: JsonFlag = False,
) -> None:
    """Reconstruct or register the cases of a table. Those whose .json says "ok" are skipped, so a batch goes on."""
    with reporting(as_json) as out:
        rows = read_cases(cases)
        if output.exists() and not output.is_dir():
            raise InputError(f"{output.name} is a file: name a folder for the results.")
        output.mkdir(parents=True, exist_ok=True)
        if unknown := unknown_columns(rows):
            out.say(f"Note: nothing is taken from the columns {', '.join(unknown)}.")
        todo = [row for row in rows if not _finished(output / f"{row['id']}.json")]
        out.say(f"{len(rows)} cases, {len(rows) - len(todo)} already done.")
        folder = output.resolve()  # the processes of a cluster may start elsewhere
        arguments = [(row, folder, method_id, device) for row in todo]
        outcomes = _run_on_ray(arguments, ray) if ray else (run_row(*argument) for argument in arguments)
        failed = 0
        for outcome in outcomes:
            failed += outcome["status"] != "ok"
            out.say(
                f"{outcome['id']}: {outcome['status']}" + (f" ({outcome['message']})" if "message" in outcome else "")
            )
        done = len(rows) - failed
        out.result({"cases": len(rows), "ok": done, "failed": failed, "output": output}, f"{done} ok, {failed} failed")
        if failed:
            raise typer.Exit(1)


def read_cases(path: Path) -> list[dict[str, str]]:
    """The rows of the table; relative image paths are taken from the table's folder."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in csv.DictReader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The table {path.name} cannot be read ({error}): save it as UTF-8 CSV.") from error
    identifiers = [row.get("id", "") for row in rows]
    if not rows or not all(identifiers) or len(set(identifiers)) != len(identifiers):
        raise InputError(f"{path.name} needs a column 'id' with a different value in every row.")
    if any(Path(name).name != name for name in identifiers):
        raise InputError(f"{path.name}: an id must be a plain name without slashes.")
    folder = path.resolve().parent
    for row in rows:
        for key in [key for key in row if row[key]]:
            if key.startswith("view"):
                row[key] = _from_folder(row[key], folder)
            elif key in FILE_COLUMNS:
                row[key] = str(folder / row[key])
    return rows


def unknown_columns(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Columns that no case takes anything from, e.g. misspelt ones."""
    known = {"id", "method", "model", "body_part", "frame", *FILE_COLUMNS}
    return sorted({key for row in rows for key in row if key not in known and not key.startswith("view")})


def _from_folder(argument: str, folder: Path) -> str:
    """IMAGE or IMAGE:GEOMETRY with relative paths taken from the folder."""
    image, geometry = parse_view_argument(argument)
    placed = str(folder / image)
    if geometry is None or str(geometry).lower() in VIEW_WORDS:
        return placed if geometry is None else f"{placed}:{geometry}"
    return f"{placed}:{folder / geometry}"


def run_row(row: dict[str, str], output: Path, method_id: str, device: str) -> dict[str, Any]:
    """Run one row; the outcome, also written as ``<id>.json``, tells success or the reason of failure."""
    outcome: dict[str, Any] = {"id": row["id"], "status": "ok"}
    run = _register if row.get("ct") else _reconstruct
    try:
        views = [row[key] for key in sorted(row, key=in_order) if key.startswith("view") and row[key]]
        options = Options(device=device, bundle=row.get("model", ""))
        outcome |= run(row, views, output, row.get("method") or method_id, options)
    except XRay3DError as error:
        outcome |= {"status": error.code, "message": str(error)}
    except Exception as error:  # one bad case never stops the rest
        outcome |= {"status": "failed", "message": f"{type(error).__name__}: {error}"}
    return _kept(outcome, output / f"{row['id']}.json")


def _kept(outcome: dict[str, Any], path: Path) -> dict[str, Any]:
    """The outcome once it is in its file; failed where that cannot be written, and no older one left to pass for it."""
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(json_ready(outcome), indent=1), encoding="utf-8")
    except OSError as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return {"id": outcome["id"], "status": "failed", "message": f"{path.name} cannot be written ({error})"}
    return outcome


def in_order(column: str) -> tuple[int, str]:
    """view2 before view10."""
    number = re.search(r"\d+$", column)
    return int(number[0]) if number else 0, column


def _reconstruct(row: dict[str, str], views: list[str], output: Path, method_id: str, options: Options) -> dict:
    prior_ct, initial = (Path(row[key]) if row.get(key) else None for key in ("prior_ct", "initial"))
    case = load_case(views, prior_ct, row.get("body_part", ""), initial, _frame(row))
    result = run_in_worker(case, method_id or DEFAULT_RECONSTRUCTION, options, _unheard, "volume")
    save_result(result, output / f"{row['id']}.nii.gz", None)
    return {"quality": result.quality, "warnings": result.warnings, "provenance": result.provenance}


def _register(row: dict[str, str], views: list[str], output: Path, method_id: str, options: Options) -> dict:
    """``<id>.pose.json`` and, when accepted, ``<id>.tfm``; a refused pose is written and told as status "refused"."""
    from XRayLib.ct import load_ct

    initial, landmarks = (Path(row[key]) if row.get(key) else None for key in ("initial", "landmarks"))
    given = {"initial": initial, "landmarks": landmarks, "frame_index": _frame(row) - 1}
    case = load_registration_case(load_ct(Path(row["ct"])), views, **given)
    poses = [output / f"{row['id']}{suffix}" for suffix in (".pose.json", ".tfm")]
    remove_earlier(*poses)
    result = run_in_worker(case, method_id or DEFAULT_REGISTRATION, options, _unheard, *REGISTERS)
    images = [Path(parse_view_argument(view)[0]).name for view in views]
    save_registration(result, case, images, *poses)
    told = {"quality": result.quality, "warnings": result.warnings, "ct_to_world": result.ct_to_world}
    if not is_accepted(result):
        told |= {"status": RefusedError.code, "message": result.pose_quality.reason}
    return told


def _frame(row: Mapping[str, str]) -> int:
    """Which X-ray of files that hold several, from 1."""
    text = row.get("frame") or "1"
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"The column frame counts from 1, '{text}' is no such number.")
    return int(text)


def _unheard(_fraction: float, _stage: str) -> None:
    """A batch tells of whole cases only."""


def _finished(path: Path) -> bool:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["status"] == "ok"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_reachable(address: str) -> None:
    """InputError when nothing listens at HOST:PORT: Ray itself would try for minutes."""
    found = re.fullmatch(r"(?:ray://)?([^:/]+):(\d{1,5})", address)
    if found is not None:
        try:
            socket.create_connection((found[1], int(found[2])), timeout=CONNECT_S).close()
        except (OSError, OverflowError) as error:
            raise InputError(NO_CLUSTER.format(address=address)) from error


def _run_on_ray(arguments: list[tuple], address: str) -> Iterator[dict[str, Any]]:
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingDependencyError("--ray needs the package ray: install 'xray3d[cluster]'.") from None
    check_reachable(address)
    try:
        ray.init(address=None if address == "local" else address, log_to_driver=False)
    except (ValueError, ConnectionError, RuntimeError) as error:
        raise InputError(NO_CLUSTER.format(address=address)) from error
    try:
        remote = ray.remote(num_cpus=1)(run_row)
        pending = [remote.remote(*argument) for argument in arguments]
        while pending:
            ready, pending = ray.wait(pending, num_returns=1)
            yield ray.get(ready[0])
    finally:
        ray.shutdown()
