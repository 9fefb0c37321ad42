"""Which models are on this computer: those that came with the extension, then the user's own."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from XRayLib.bundle.bundle import Bundle, load_bundle
from XRayLib.bundle.card import Card
from XRayLib.bundle.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES
from XRayLib.errors import InputError, XRay3DError

logger = logging.getLogger(__name__)

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
_preferred: ContextVar[Path | None] = ContextVar("preferred", default=None)


def shipped_models_folder() -> Path | None:
    """The extension's own models: in the source tree, or beside the package in the installed extension."""
    candidates = (PACKAGE_FOLDER.parents[1] / "models", PACKAGE_FOLDER.parent / "XRay3DShared" / "models")
    return next((c for c in candidates if any(c.glob("*/" + MANIFEST_NAME))), None)


def user_models_folder() -> Path:
    """Where imported models live: XRAY3D_MODELS, else the per-user data folder of the operating system."""
    if chosen := os.environ.get("XRAY3D_MODELS"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "XRay3D" / "models"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "XRay3D" / "models"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "xray3d" / "models"


@contextmanager
def preferring(folder: Path | None) -> Iterator[None]:
    """Within it the bundle in ``folder``, if any, stands for its id before every installed one: an export can be
    measured beside the model of the same id that it is to replace."""
    token = _preferred.set(None if folder is None else folder.resolve())
    try:
        yield
    finally:
        _preferred.reset(token)


def scan_bundles() -> tuple[dict[str, Bundle], dict[Path, str]]:
    """All usable bundles by id, and the folders that were refused with the reason.

    Every file is hashed. A shipped bundle wins over one of the user's with the same id.
    """
    usable: dict[str, Bundle] = {}
    refused: dict[Path, str] = {}
    for folder in _bundle_folders():
        try:
            bundle = load_bundle(folder)
        except InputError as error:
            logger.warning("model folder refused: %s", error)
            refused[folder] = str(error)
            continue
        if bundle.id in usable:
            refused[folder] = f"The model id '{bundle.id}' is already taken by another installed model."
        else:
            usable[bundle.id] = bundle
    return usable, refused


def installed_bundles() -> dict[str, Bundle]:
    """Every usable bundle by id, alphabetically; broken ones are logged and left out."""
    return dict(sorted(scan_bundles()[0].items()))


def installed_bundle(bundle_id: str) -> Bundle:
    """The bundle of that id, of which alone the files are hashed; InputError lists what is installed, or says why that
    one was refused."""
    refused: InputError | None = None
    for folder in _bundle_folders():
        if bundle_id not in (folder.name, _stated_id(folder)):
            continue
        try:
            bundle = load_bundle(folder)
        except InputError as error:
            logger.warning("model folder refused: %s", error)
            refused = refused or error
            continue
        if bundle.id == bundle_id:
            return bundle
    if refused is not None:
        raise refused
    raise InputError(f"There is no model '{bundle_id}'. Installed: {', '.join(installed_bundles()) or 'none'}.")


def installed_cards() -> dict[str, Card]:
    """Cards for a list of models: fast, needs no third-party package, and trusts nothing (files are not opened)."""
    cards: dict[str, Card] = {}
    for folder in _bundle_folders():
        try:
            card = Card.from_manifest(_unchecked_manifest(folder))
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            logger.warning("model folder without a readable manifest: %s", folder.name)
            continue
        cards.setdefault(card.id, card)
    return dict(sorted(cards.items()))


def remove_bundle(bundle_id: str) -> None:
    """Delete one of the user's own bundles; InputError for a shipped or unknown one."""
    root = user_models_folder()
    folder = root / bundle_id
    if folder.parent != root or not (folder / MANIFEST_NAME).is_file() or folder.is_symlink():
        known = bundle_id in installed_cards()
        reason = "came with XRay3D and stays" if known else "is not installed"
        raise InputError(f"The model '{bundle_id}' {reason}; only imported models can be removed.")
    doomed = folder.with_name(f".{folder.name}.removed")
    try:
        folder.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise XRay3DError(f"The model '{bundle_id}' could not be deleted: {error.strerror}.") from None


def _unchecked_manifest(folder: Path) -> Any:
    with (folder / MANIFEST_NAME).open("rb") as stream:
        return json.loads(stream.read(MAX_MANIFEST_BYTES))


def _stated_id(folder: Path) -> str | None:
    """What the manifest claims, unchecked; none when it cannot be read."""
    try:
        return str(_unchecked_manifest(folder)["id"])
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None


def _bundle_folders() -> Iterator[Path]:
    preferred = _preferred.get()
    if preferred is not None:
        yield preferred
    for root in (shipped_models_folder(), user_models_folder()):
        if root is not None and root.is_dir():
            folders = (f.parent for f in sorted(root.glob("*/" + MANIFEST_NAME)) if not f.parent.name.startswith("."))
            yield from (folder for folder in folders if folder.resolve() != preferred)
