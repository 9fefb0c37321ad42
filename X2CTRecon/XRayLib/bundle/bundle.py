"""One installed model: its manifest and its checked files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayLib.bundle.card import Card
from XRayLib.bundle.file_checks import check_files, read_checked
from XRayLib.bundle.manifest import read_manifest
from XRayLib.errors import InputError


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle folder that passed every check of ``load_bundle``.

    ``sha256`` is that of the manifest's bytes; as the manifest holds the hash of every file it names the whole bundle.
    """

    folder: Path
    manifest: Mapping[str, Any]
    sha256: str

    @property
    def id(self) -> str:
        """The bundle's identifier, e.g. ``x2ct-cnn-two-view``."""
        return self.manifest["id"]

    @property
    def version(self) -> str:
        """Semantic version of the bundle."""
        return self.manifest["version"]

    @property
    def title(self) -> str:
        """Name for the user."""
        return self.manifest["title"]

    @property
    def task(self) -> str:
        """What it computes, e.g. ``xray2ct``."""
        return self.manifest["task"]

    @property
    def methods(self) -> tuple[str, ...]:
        """Ids of the methods it was made for; empty when any method with its task may use it."""
        return tuple(self.manifest.get("methods", ()))

    @property
    def card(self) -> Card:
        """The fields a user sees."""
        return Card.from_manifest(self.manifest)

    def has(self, role: str) -> bool:
        """Whether a file of that role is in the bundle."""
        return any(entry["role"] == role for entry in self.manifest["files"])

    def file(self, role: str) -> Path:
        """Path of the first file with that role; InputError when there is none."""
        return self.folder / self.entry(role)["path"]

    def read(self, role: str) -> bytes:
        """The file's bytes, hashed and checked again in the same read, so that nothing can change in between."""
        return read_checked(self.folder, self.entry(role))

    def entry(self, role: str) -> Mapping[str, Any]:
        """The manifest's entry {path, role, size_bytes, sha256} of that role; InputError when there is none."""
        for entry in self.manifest["files"]:
            if entry["role"] == role:
                return entry
        raise InputError(f"The model '{self.id}' has no file of the kind '{role}': choose another model.")


def load_bundle(folder: str | Path) -> Bundle:
    """Check a bundle folder completely and return it.

    Manifest (size, JSON, version, schema), paths, links, sizes, SHA-256, kinds of file, and the ONNX structure, in this
    order; InputError says which check failed. Nothing but the manifest is interpreted before its hash is verified.
    """
    folder = Path(folder)
    manifest, sha256 = read_manifest(folder)
    check_files(folder, manifest["files"])
    return Bundle(folder, manifest, sha256)
