"""Where a prepared patient lives: one folder per CT, and per organ in it, found again by what they show."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.whole_file import whole_file

LOWEST_HU = -1024.0
MATRIX_DECIMALS = 3

_hashes: WeakKeyDictionary[Volume, str] = WeakKeyDictionary()
"""Of the CTs in memory: every frame of a run asks for the same one's."""


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
    if ct not in _hashes:
        _hashes[ct] = _hash_of(ct)
    return _hashes[ct]


def _hash_of(ct: Volume) -> str:
    found = hashlib.sha256()
    found.update(repr((ct.voxels.shape, (np.round(ct.ijk_to_ras, MATRIX_DECIMALS) + 0.0).tolist())).encode())
    for section in ct.voxels:
        found.update(np.rint(np.clip(section, LOWEST_HU, 32767)).astype("<i2").tobytes())
    return found.hexdigest()


def mesh_hash(mesh: SurfaceMesh) -> str:
    """Hex SHA-256 of the points, micrometres, and of the triangles."""
    found = hashlib.sha256()
    found.update((np.round(np.asarray(mesh.points, float), MATRIX_DECIMALS) + 0.0).astype("<f8").tobytes())
    found.update(np.asarray(mesh.triangles).astype("<i8").tobytes())
    return found.hexdigest()


def patient_folder(ct: Volume, mesh: SurfaceMesh | None = None) -> Path:
    """The folder of everything prepared for this CT, or for this organ of it; it may not exist yet.

    Its name tells nothing about the patient.
    """
    folder = cache_folder() / "patients" / ct_hash(ct)
    return folder if mesh is None else folder / mesh_hash(mesh)


def prepared_bundle(ct: Volume, what: str, mesh: SurfaceMesh | None = None) -> Path | None:
    """The finished bundle of that kind for exactly this CT (and organ), or None."""
    folder = patient_folder(ct, mesh) / what
    return folder if (folder / "model.json").is_file() else None


def preparation_state(folder: Path, what: str) -> dict[str, Any]:
    """What exists of that kind in a patient's folder.

    ``bundle`` (path or None), ``iterations`` and ``seconds`` trained, ``settings`` of the last run, ``finished``, and
    ``validation`` (measured errors; empty before the end).
    """
    bundle = folder / what
    found = {"bundle": None, "iterations": 0, "seconds": 0.0, "finished": False, "validation": {}}
    if (bundle / "model.json").is_file():
        found["bundle"] = str(bundle)
    try:
        stored = json.loads((folder / f"{what}.state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return found
    return found | stored | {"bundle": found["bundle"]} if isinstance(stored, dict) else found


def write_state(folder: Path, what: str, state: dict[str, Any]) -> None:
    """Keep the state beside the checkpoint; replaces the former in one step."""
    with whole_file(folder / f"{what}.state.json") as unfinished:
        unfinished.write_text(json.dumps(state, indent=2), encoding="utf-8")
