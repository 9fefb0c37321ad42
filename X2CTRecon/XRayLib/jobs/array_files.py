"""Arrays and JSON documents in a job's folder. No pickle: a job folder is data, never code."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from XRayLib.errors import InputError
from XRayLib.whole_file import whole_file

_ARRAY_NAME = re.compile(r"[a-z0-9_]{1,60}\.npy")


def write_array(folder: Path, name: str, array: ArrayLike) -> str:
    """Write ``<name>.npy`` and return its file name, by which documents refer to it."""
    file_name = f"{name}.npy"
    if not _ARRAY_NAME.fullmatch(file_name):
        raise ValueError(f"'{file_name}' is no name for an array file")
    np.save(folder / file_name, np.asarray(array), allow_pickle=False)
    return file_name


def read_array(folder: Path, file_name: Any, *, ndim: int | None = None, mapped: bool = False) -> NDArray[Any]:
    """The array of a file in ``folder``.

    ``mapped`` maps it copy-on-write instead of reading it, which must not outlive the folder.

    Raises
    ------
    InputError
        When the name leaves the folder, the file is no array of numbers, or it has not ``ndim`` axes.
    """
    if not isinstance(file_name, str) or not _ARRAY_NAME.fullmatch(file_name) or (folder / file_name).is_symlink():
        raise InputError("The job folder refers to an array by a name that is not allowed.")
    try:
        array = np.load(folder / file_name, mmap_mode="c" if mapped else None, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"The array {file_name} of the job folder cannot be read.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or (ndim is not None and array.ndim != ndim):
        raise InputError(f"The array {file_name} of the job folder has the wrong kind or number of axes.")
    return array


def write_document(folder: Path, name: str, document: Mapping[str, Any]) -> None:
    """Write ``<name>.json``; it appears complete or not at all."""
    with whole_file(folder / f"{name}.json") as unfinished:
        unfinished.write_text(json.dumps(json_ready(document), allow_nan=False), encoding="utf-8")


def read_document(folder: Path, name: str, expected_format: str) -> Mapping[str, Any]:
    """The JSON object of ``<name>.json`` whose "format" is the expected one."""
    try:
        document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"The job folder's {name}.json cannot be read.") from error
    if not isinstance(document, dict) or document.get("format") != expected_format:
        raise InputError(f"The job folder's {name}.json is not of the format {expected_format}.")
    return document


def json_ready(value: Any) -> Any:
    """The value with JSON's types only: tuples and arrays become lists, numpy numbers plain, NaN and infinity null."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_ready(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return json_ready(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
