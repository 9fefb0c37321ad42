"""Training CTs, resampled once and cached outside the repository."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import body_mask, load_ct, resample_isotropic
from XRayLib.errors import InputError

CACHE_SPACING_MM = 2.0
AIR_HU = -1000


@dataclass(frozen=True)
class Patient:
    """One CT along R, A, S with cubic voxels of ``CACHE_SPACING_MM``."""

    name: str
    hu: NDArray[np.int16]
    """(k, j, i)"""
    body: NDArray[np.bool_]
    """The patient without table and blankets."""
    weight: float = 1.0
    """How often it is drawn, relative to the others."""


def patients_of(data: Path, weights: Mapping[str, float], cache: Path) -> list[Patient]:
    """The CTs of a recipe: file in ``data`` -> how often it is drawn. InputError names the missing ones."""
    files = [data / name for name in weights]
    missing = [f.name for f in files if not f.exists()]
    if missing:
        raise InputError(f"Training data not found in {data}: {', '.join(missing)}.")
    return load_patients(files, cache, list(weights.values()))


def chests_of(patients: Sequence[Patient]) -> list[Patient]:
    """Those called chests, or all."""
    return [p for p in patients if p.name.startswith("chest")] or list(patients)


def load_patients(files: Sequence[Path], cache: Path, weights: Sequence[float]) -> list[Patient]:
    """CTs from any readable file, through a cache of resampled arrays in ``cache``."""
    return [_load(path, cache, weight) for path, weight in zip(files, weights, strict=True)]


def _load(path: Path, cache: Path, weight: float) -> Patient:
    stamp = f"{path.resolve()}|{path.stat().st_size}|{path.stat().st_mtime_ns}|{CACHE_SPACING_MM}"
    key = hashlib.sha256(stamp.encode()).hexdigest()[:16]
    cached = cache / f"{path.name.split('.')[0]}-{key}.npz"
    if not cached.exists():
        volume = resample_isotropic(load_ct(path), CACHE_SPACING_MM)
        cache.mkdir(parents=True, exist_ok=True)
        hu = np.clip(np.rint(volume.voxels), -1024, 3071).astype(np.int16)
        np.savez(cached, hu=hu, body=body_mask(volume))
    with np.load(cached, allow_pickle=False) as arrays:
        return Patient(path.name.split(".")[0], arrays["hu"], arrays["body"], weight)
