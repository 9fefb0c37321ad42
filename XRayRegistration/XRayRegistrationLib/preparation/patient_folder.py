"""Where a prepared patient lives: one folder per CT, found again by what the CT shows."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from XRayLib.ct import Volume

KINDS = ("pose-regression", "scene-coordinates")
"""What can be prepared: the ids of the methods."""

LOWEST_HU = -1024.0
MATRIX_DECIMALS = 3


def cache_folder() -> Path:
    """XRAY3D_CACHE, else the per-user cache of the operating system."""
    if chosen := os.environ.get("XRAY3D_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "XRay3D" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "XRay3D"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "XRay3D"


def ct_hash(ct: Volume) -> str:
    """Hex SHA-256 of the CT's whole Hounsfield units and its matrix, micrometres.

    The same for the same CT from a file and from a scene: padding below air and rounding of the matrix do not count.
    """
    found = hashlib.sha256()
    found.update(repr((ct.voxels.shape, (np.round(ct.ijk_to_ras, MATRIX_DECIMALS) + 0.0).tolist())).encode())
    for section in ct.voxels:
        found.update(np.rint(np.clip(section, LOWEST_HU, 32767)).astype("<i2").tobytes())
    return found.hexdigest()


def patient_folder(ct: Volume) -> Path:
    """The folder of everything prepared for this CT; it may not exist yet. Its name tells nothing about the patient."""
    return cache_folder() / "patients" / ct_hash(ct)


def prepared_bundle(ct: Volume, what: str) -> Path | None:
    """The finished bundle of that kind for exactly this CT, or None."""
    folder = patient_folder(ct) / what
    return folder if (folder / "model.json").is_file() else None


def preparation_state(ct: Volume) -> dict[str, dict[str, Any]]:
    """For each kind what exists: ``bundle`` (path or None), ``iterations`` and ``seconds`` trained, ``budget`` of the
    last run, ``finished``, and ``validation`` (measured errors, see ``validation.py``; empty before the end).
    """
    folder = patient_folder(ct)
    return {what: _state(folder, what) for what in KINDS}


def write_state(folder: Path, what: str, state: dict[str, Any]) -> None:
    """Keep the state beside the checkpoint; replaces the former in one step."""
    unfinished = folder / f"{what}.state.json.new"
    unfinished.write_text(json.dumps(state, indent=2), encoding="utf-8")
    unfinished.replace(folder / f"{what}.state.json")


def _state(folder: Path, what: str) -> dict[str, Any]:
    bundle = folder / what
    found = {"bundle": None, "iterations": 0, "seconds": 0.0, "finished": False, "validation": {}}
    if (bundle / "model.json").is_file():
        found["bundle"] = str(bundle)
    try:
        stored = json.loads((folder / f"{what}.state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return found
    return found | stored | {"bundle": found["bundle"]} if isinstance(stored, dict) else found
