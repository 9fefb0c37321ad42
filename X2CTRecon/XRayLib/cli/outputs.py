"""Where a command writes, checked before the work and not after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from XRayLib.cli.organ import split_label
from XRayLib.errors import InputError
from XRayLib.radiograph import parse_view_argument

PDF = ".pdf"


def check_folder(path: Path) -> None:
    """InputError when the folder of a file to be written does not exist."""
    if not path.resolve().parent.is_dir():
        raise InputError(f"The folder {path.resolve().parent} does not exist: create it first.")


def check_suffix(path: Path, suffixes: Sequence[str]) -> None:
    """InputError for a file to be written of another kind, or into a folder that does not exist."""
    if not path.name.lower().endswith(tuple(suffixes)):
        raise InputError(f"{path.name}: name the output {', '.join(suffixes[:-1])} or {suffixes[-1]}.")
    check_folder(path)


def check_report(path: Path | None) -> None:
    """InputError for a report, a folder or a .pdf file, that cannot be written."""
    if path is None:
        return
    if path.suffix.lower() == PDF:
        check_folder(path)
    elif path.exists() and not path.is_dir():
        raise InputError(f"{path.name} is a file: name a folder for the report, or a .pdf file.")


def check_nothing_is_lost(
    outputs: Iterable[Path | None], inputs: Iterable[Path | None], views: Iterable[str] = (), label: str = ""
) -> None:
    """InputError when a file would be written over one that is read, or two would be written into one.

    ``views`` and ``label`` as of ``--view`` and ``--prior-label``: their files are read, too.
    """
    images = [parse_view_argument(view)[0] for view in views]
    inputs = [*inputs, *images, *([split_label(label)[0]] if label else [])]
    written = [path.resolve() for path in outputs if path is not None]
    read = {path.resolve() for path in inputs if path is not None}
    for path in written:
        if path in read:
            raise InputError(f"{path.name} is read by this command: write into another file.")
        if written.count(path) > 1:
            raise InputError(f"{path.name} would be written twice: give every output a name of its own.")
