"""Which TorchScript files may run: those shipped with the extension and those the user allowed, by SHA-256."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from XRayLib.bundle.bundle import Bundle
from XRayLib.bundle.installed import shipped_models_folder, user_models_folder
from XRayLib.whole_file import whole_file

TRUST_FILE = "trusted-torchscript.json"


def torchscript_is_trusted(bundle: Bundle) -> bool:
    """Whether the bundle's TorchScript came with the extension or was allowed by the user at import."""
    shipped = shipped_models_folder()
    if shipped is not None and bundle.folder.resolve().parent == shipped.resolve():
        return True
    return bundle.entry("torchscript")["sha256"] in _trusted()


def record_trust(manifest: Mapping[str, Any]) -> None:
    """Remember that the user trusts exactly these TorchScript files."""
    allowed = {entry["sha256"] for entry in manifest["files"] if entry["role"] == "torchscript"}
    if allowed:
        with whole_file(user_models_folder() / TRUST_FILE) as unfinished:
            unfinished.write_text(json.dumps(sorted(_trusted() | allowed)), encoding="utf-8")


def _trusted() -> set[str]:
    try:
        return set(json.loads((user_models_folder() / TRUST_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return set()
