"""Bring a user's own bundle in: everything is checked in a temporary folder, then one rename installs it."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayLib.bundle.bundle import Bundle, load_bundle
from XRayLib.bundle.file_checks import MAX_BUNDLE_BYTES, check_listing, check_path, refuse_pickles
from XRayLib.bundle.installed import shipped_models_folder, user_models_folder
from XRayLib.bundle.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, parse_manifest
from XRayLib.bundle.trust import record_trust
from XRayLib.errors import InputError, XRay3DError

CARD_NAMES = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md")
MAX_CARD_BYTES = 1 << 20
MAX_ZIP_MEMBERS = 256
_DAMAGED_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError),  # unknown compression, a password, impossible fields
)


def import_bundle(path: str | Path, *, replace: bool = False, allow_torchscript: bool = False) -> Bundle:
    """Copy a bundle (folder or zip) into the user's models and return it.

    Only ``model.json``, the files it lists and the model card are taken over. TorchScript is a program: it is refused
    unless ``allow_torchscript``, which trusts exactly that file (by SHA-256). A failed import leaves nothing behind.
    Raises InputError with the reason of a refusal.
    """
    source = Path(path)
    root = user_models_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=root) as temporary:
            staged = Path(temporary) / "bundle"
            staged.mkdir()
            manifest = _stage(source, staged)
            _refuse_torchscript(manifest, allowed=allow_torchscript)
            named = staged.rename(Path(temporary) / manifest["id"])
            load_bundle(named)
            _install(named, root / manifest["id"], replace)
    except OSError as error:
        raise XRay3DError(f"The model could not be installed into '{root}': {error.strerror}.") from None
    if allow_torchscript:
        record_trust(manifest)
    return load_bundle(root / manifest["id"])


def _stage(source: Path, staged: Path) -> dict[str, Any]:
    if source.is_file() and source.name == MANIFEST_NAME:
        source = source.parent
    if source.is_dir():
        return _copy_folder(source, staged)
    if source.is_file() and zipfile.is_zipfile(source):
        try:
            with zipfile.ZipFile(source) as archive:
                return _extract(archive, staged, source.stem)
        except _DAMAGED_ARCHIVE as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            raise InputError(f"The archive '{source.name}' cannot be read ({error}): get it again.") from None
    raise InputError(f"'{source.name}' is neither a bundle folder nor a zip archive with a {MANIFEST_NAME}.")


def _copy_folder(source: Path, staged: Path) -> dict[str, Any]:
    content = _head(source / MANIFEST_NAME, MAX_MANIFEST_BYTES, source.name)
    refuse_pickles((f.name for f in source.rglob("*")), source.name)
    manifest = parse_manifest(content, source.name)
    check_listing(manifest["files"], source.name)
    (staged / MANIFEST_NAME).write_bytes(content)
    for entry in manifest["files"]:
        original = source / entry["path"]
        if original.is_symlink() or not original.is_file():
            raise InputError(f"The bundle '{source.name}' lacks its file '{entry['path']}' or has a link in its place.")
        with original.open("rb") as stream:
            _copy_at_most(stream, staged / entry["path"], entry["size_bytes"], source.name)
    for name in CARD_NAMES:
        card = source / name
        if card.is_file() and not card.is_symlink() and card.stat().st_size <= MAX_CARD_BYTES:
            shutil.copyfile(card, staged / name)
    return manifest


def _extract(archive: zipfile.ZipFile, staged: Path, name: str) -> dict[str, Any]:
    members = {m.filename: m for m in archive.infolist() if not m.is_dir()}
    if len(members) > MAX_ZIP_MEMBERS or sum(m.file_size for m in members.values()) > MAX_BUNDLE_BYTES:
        raise InputError(f"The archive '{name}' is too large for a model bundle.")
    for member in members.values():
        check_path(member.filename, name)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"The archive '{name}' contains a link: refused.")
    refuse_pickles(members, name)
    manifests = [m for m in members if m.split("/")[-1] == MANIFEST_NAME and m.count("/") <= 1]
    if len(manifests) != 1:
        raise InputError(f"The archive '{name}' must contain exactly one {MANIFEST_NAME}, has {len(manifests)}.")
    prefix = manifests[0].removesuffix(MANIFEST_NAME)
    with archive.open(manifests[0]) as stream:
        content = stream.read(MAX_MANIFEST_BYTES + 1)
    manifest = parse_manifest(content, name)
    check_listing(manifest["files"], name)
    (staged / MANIFEST_NAME).write_bytes(content)
    wanted: Mapping[str, int] = {e["path"]: e["size_bytes"] for e in manifest["files"]}
    for path, size in {**dict.fromkeys(CARD_NAMES, MAX_CARD_BYTES), **wanted}.items():
        if prefix + path in members:
            with archive.open(prefix + path) as stream:
                _copy_at_most(stream, staged / path, size, name)
    return manifest


def _head(file: Path, limit: int, name: str) -> bytes:
    if file.is_symlink() or not file.is_file():
        raise InputError(f"'{name}' is not a model bundle: it has no {MANIFEST_NAME}.")
    with file.open("rb") as stream:
        return stream.read(limit + 1)


def _copy_at_most(stream: Any, target: Path, size_bytes: int, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = size_bytes
    with target.open("wb") as out:
        while piece := stream.read(min(1 << 20, left + 1)):
            left -= len(piece)
            if left < 0:
                raise InputError(f"The file '{target.name}' of the bundle '{name}' is larger than declared: refused.")
            out.write(piece)


def _refuse_torchscript(manifest: Mapping[str, Any], *, allowed: bool) -> None:
    if not allowed and any(entry["role"] == "torchscript" for entry in manifest["files"]):
        raise InputError(
            f"The model '{manifest['id']}' contains TorchScript, which is a program: allow it only from a source you "
            "trust, or ask for an ONNX file."
        )


def _install(staged: Path, target: Path, replace: bool) -> None:
    shipped = shipped_models_folder()
    if shipped is not None and (shipped / target.name / MANIFEST_NAME).exists():
        raise InputError(f"A model with the id '{target.name}' comes with XRay3D: give yours another id.")
    if not target.exists():
        staged.rename(target)
        return
    if not replace:
        raise InputError(f"The model '{target.name}' is already installed: remove it first or replace it (--replace).")
    old = target.rename(staged.parent / "replaced")
    try:
        staged.rename(target)
    except OSError:
        old.rename(target)
        raise
