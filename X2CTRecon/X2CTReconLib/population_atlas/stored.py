"""The average patient and its deviation as a model bundle holds them."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from XRayLib.errors import InputError

Array = NDArray[np.float32]

ATLAS_FILE = "atlas.npz"
VALUE_STEP_HU = 4.0


class StoredAtlas(NamedTuple):
    """Cubes along S, A, R in HU around the isocentre: ``hu`` (n, n, n), and ``deviation_hu`` (m, m, m) in the atlas'
    shape, the standard deviation of patients from what atlases of others make of two of their films."""

    hu: Array
    deviation_hu: Array
    edge_mm: float


def atlas_bytes(atlas: StoredAtlas) -> bytes:
    """Content of ``ATLAS_FILE``."""
    buffer = io.BytesIO()
    hu, deviation = (np.rint(values / VALUE_STEP_HU).astype(np.int16) for values in (atlas.hu, atlas.deviation_hu))
    np.savez_compressed(buffer, hu=hu, deviation_hu=deviation, edge_mm=np.float32(atlas.edge_mm))
    return buffer.getvalue()


def stored_atlas(bundle: Any) -> StoredAtlas:
    """Of an installed bundle; InputError when it brings none."""
    if not any(entry["path"] == ATLAS_FILE for entry in bundle.manifest["files"]):
        raise InputError(f"The model '{bundle.id}' brings no average patient: choose another model.")
    with np.load(io.BytesIO(bundle.read("data")), allow_pickle=False) as stored:
        hu, deviation = (stored[name].astype(np.float32) * VALUE_STEP_HU for name in ("hu", "deviation_hu"))
        return StoredAtlas(hu, deviation, float(stored["edge_mm"]))
