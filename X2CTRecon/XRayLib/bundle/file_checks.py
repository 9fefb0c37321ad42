"""The files of a bundle before anything reads them: names that stay inside the folder, sizes, hashes, kinds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from XRayLib.bundle.onnx_graph import refuse_unsafe_onnx
from XRayLib.errors import InputError

MAX_BUNDLE_BYTES = 1 << 30
"""All files of a bundle together; an ONNX file of 2 GiB or more could not be a single file anyway."""

PICKLE_SUFFIXES = frozenset(
    {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".dill", ".h5", ".keras", ".mar"}
)
"""Formats that can run code when loaded."""
TORCHSCRIPT_SUFFIX = ".ts"
_SUFFIXES_BY_ROLE = {
    "graph": {".onnx"},
    "graph_fp16": {".onnx"},
    "torchscript": {TORCHSCRIPT_SUFFIX},
    "template": {".nii.gz", ".nii", ".nrrd", ".npy", ".npz", ".mha"},
    "mesh": {".vtp", ".ply", ".obj", ".stl", ".npz", ".npy"},
    "preview": {".png", ".jpg", ".jpeg"},
    "data": {".json", ".npy", ".npz", ".csv", ".txt", ".nii.gz", ".nrrd", ".safetensors"},
}
_WINDOWS_DEVICE = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)


def check_path(path: str, name: str) -> PurePosixPath:
    """The relative path of a bundle's file; InputError for one that could leave the folder on any operating system."""
    pure = PurePosixPath(path)
    parts = path.split("/")
    if (
        pure.is_absolute()
        or "\\" in path
        or ":" in path
        or not path.isprintable()
        or any(p in ("", ".", "..") or p != p.rstrip(". ") or _WINDOWS_DEVICE.match(p) for p in parts)
    ):
        raise InputError(
            f"The bundle '{name}' names the file '{path[:80]}', which is not a plain relative path: refused."
        )
    return pure


def check_files(folder: Path, files: Sequence[Mapping[str, Any]]) -> None:
    """Check every listed file: path, no links, size, total size, SHA-256, kind, and only then the ONNX structure.

    Raises InputError for the first check that fails.
    """
    check_listing(files, folder.name)
    for entry in files:
        _check_on_disk(folder, entry["path"], entry["size_bytes"])
    for entry in files:
        read_checked(folder, entry)
    refuse_pickles((f.name for f in folder.rglob("*")), folder.name)


def check_listing(files: Sequence[Mapping[str, Any]], name: str) -> None:
    """What can be told from the manifest alone: paths, double entries, declared sizes, kinds of file."""
    paths = [str(check_path(entry["path"], name)).lower() for entry in files]
    if len(set(paths)) != len(paths):
        raise InputError(f"The bundle '{name}' lists a file twice.")
    roles = [entry["role"] for entry in files]
    for role in ("graph", "graph_fp16", "torchscript", "template", "mesh"):
        if roles.count(role) > 1:
            raise InputError(f"The bundle '{name}' lists more than one file of the role '{role}'.")
    total = sum(entry["size_bytes"] for entry in files)
    if total > MAX_BUNDLE_BYTES:
        raise InputError(
            f"The bundle '{name}' is {total >> 20} MiB; at most {MAX_BUNDLE_BYTES >> 20} MiB are accepted."
        )
    refuse_pickles((entry["path"] for entry in files), name)
    for entry in files:
        if not any(entry["path"].lower().endswith(s) for s in _SUFFIXES_BY_ROLE[entry["role"]]):
            raise InputError(
                f"The bundle '{name}' lists '{entry['path'][:80]}' as {entry['role']}: that kind is not accepted."
            )


def refuse_pickles(names: Any, bundle_name: str) -> None:
    """InputError when a file name belongs to a format that can run code when it is loaded."""
    for file_name in names:
        if PurePosixPath(file_name.lower()).suffix in PICKLE_SUFFIXES:
            raise InputError(
                f"The bundle '{bundle_name}' contains '{Path(file_name).name[:80]}', a format that can run code when "
                "loaded: export the network as ONNX."
            )


def read_checked(folder: Path, entry: Mapping[str, Any]) -> bytes:
    """The bytes of one listed file, hashed before anything interprets them; what was checked is what is returned."""
    file = _check_on_disk(folder, entry["path"], entry["size_bytes"])
    with file.open("rb") as stream:
        content = stream.read(entry["size_bytes"] + 1)
    if len(content) != entry["size_bytes"] or hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise InputError(
            f"The file '{entry['path']}' of the bundle '{folder.name}' was changed or damaged (its SHA-256 differs): "
            "install the bundle again."
        )
    if entry["role"] in ("graph", "graph_fp16"):
        refuse_unsafe_onnx(content, entry["path"])
    return content


def _check_on_disk(folder: Path, path: str, size_bytes: int) -> Path:
    pure = check_path(path, folder.name)
    file = folder
    for part in pure.parts:
        file = file / part
        if file.is_symlink():
            raise InputError(f"The file '{path}' of the bundle '{folder.name}' is a link: refused.")
    if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"The bundle '{folder.name}' lacks its file '{path}': install it again.")
    if file.stat().st_size != size_bytes:
        raise InputError(
            f"The file '{path}' of the bundle '{folder.name}' has {file.stat().st_size} bytes instead of {size_bytes}: "
            "install the bundle again."
        )
    return file
