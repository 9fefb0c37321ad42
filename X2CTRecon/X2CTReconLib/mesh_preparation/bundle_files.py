"""The files beside the graph of a prepared mesh network: the organ's surface and the modes of its motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh
from XRayLib.motion import DeformationModes

SURFACE_FILE, MODES_FILE = "surface.npz", "modes.npz"


def save_surface(path: Path, points_ras_mm: NDArray, triangles: NDArray) -> None:
    """Points (V, 3) and triangles (M, 3)."""
    np.savez_compressed(path, points=np.asarray(points_ras_mm, np.float64), triangles=np.asarray(triangles, np.int64))


def load_surface(path: Path) -> SurfaceMesh:
    """What ``save_surface`` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return SurfaceMesh(stored["points"].astype(float), stored["triangles"].astype(np.int64))


def save_modes(path: Path, modes: DeformationModes) -> None:
    """Fields in half precision: motion of 40 mm to 0.02 mm."""
    np.savez_compressed(
        path,
        mean_mm=modes.mean_mm.astype(np.float16),
        modes_mm=modes.modes_mm.astype(np.float16),
        ijk_to_ras=modes.ijk_to_ras,
        organ_mean_mm=modes.organ_mean_mm,
        organ_modes_mm=modes.organ_modes_mm,
        explained=modes.explained,
    )


def load_modes(path: Path) -> DeformationModes:
    """What ``save_modes`` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        single = {name: np.asarray(stored[name], np.float32) for name in stored.files if name.endswith("_mm")}
        return DeformationModes(**single, ijk_to_ras=stored["ijk_to_ras"], explained=stored["explained"])
