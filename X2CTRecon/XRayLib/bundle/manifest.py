"""``model.json``: read with its checks, write with sizes and hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.whole_file import whole_file

MANIFEST_NAME = "model.json"
SCHEMA_FILE = Path(__file__).with_name("model.schema.json")
SCHEMA_MAJOR = 1
MAX_MANIFEST_BYTES = 1 << 20


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The validated manifest of a bundle folder and the SHA-256 of its bytes.

    Checks, in this order: a regular file of at most 1 MiB, JSON, known major version, schema. Raises InputError with
    the first one that fails.
    """
    file = folder / MANIFEST_NAME
    if file.is_symlink() or not file.is_file():
        raise InputError(f"'{folder.name}' is not a model bundle: it has no {MANIFEST_NAME}.")
    with file.open("rb") as stream:
        content = stream.read(MAX_MANIFEST_BYTES + 1)
    return parse_manifest(content, folder.name), hashlib.sha256(content).hexdigest()


def parse_manifest(content: bytes, name: str) -> dict[str, Any]:
    """The manifest in these bytes, checked; ``name`` is the bundle's name for messages."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise InputError(f"The manifest of '{name}' is larger than {MAX_MANIFEST_BYTES >> 20} MiB: refused.")
    try:
        manifest = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(manifest, ensure_ascii=False).encode("utf-8")  # an escaped half character cannot be shown anywhere
    except (ValueError, RecursionError) as error:
        raise InputError(f"The manifest of '{name}' is not valid JSON: {str(error)[:200]}.") from None
    validate_manifest(manifest, name)
    return manifest


def validate_manifest(manifest: Any, name: str) -> None:
    """InputError unless the manifest has a known major version and follows the schema."""
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if not isinstance(version, str):
        raise InputError(f"The manifest of '{name}' has no schema_version.")
    if version.partition(".")[0] != str(SCHEMA_MAJOR):
        raise InputError(
            f"The bundle '{name}' uses manifest version {version[:20]}; this program knows version {SCHEMA_MAJOR}: "
            "update XRay3D or export the bundle again."
        )
    errors = sorted(_validator().iter_errors(manifest), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        where = "/".join(map(str, errors[0].absolute_path)) or "the top level"
        raise InputError(f"The manifest of '{name}' breaks the schema at {where}: {errors[0].message[:300]}.")


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``model.json`` into the bundle folder and return what was written.

    ``manifest["files"]`` lists {"path", "role"}; sizes and SHA-256 are computed here from the files in the folder. The
    result is validated before it replaces an older manifest. ``schema_version`` is filled in.
    """
    entries = [{**entry, **_measured(folder / entry["path"])} for entry in manifest["files"]]
    complete = {"schema_version": f"{SCHEMA_MAJOR}.0", **manifest, "files": entries}
    validate_manifest(complete, folder.name)
    text = json.dumps(complete, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with whole_file(folder / MANIFEST_NAME) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
    return complete


def sha256_of(file: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _measured(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise InputError(f"The bundle file '{file.name}' does not exist.")
    return {"size_bytes": file.stat().st_size, "sha256": sha256_of(file)}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


@cache
def _validator() -> Any:
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise MissingDependencyError(
            "Checking a model bundle needs the Python package 'jsonschema': install it."
        ) from None
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
