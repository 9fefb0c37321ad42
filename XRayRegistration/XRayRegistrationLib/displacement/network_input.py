"""What the network is shown: the film, what the CT as it was scanned would look like on it, and the direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import DeformationModes, DisplacementField
from XRayLib.projector import Projector

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

FIELD_NODES = 32
"""Nodes of the field along each axis, over the CT's box."""


@dataclass(frozen=True)
class FieldGrid:
    """(k, j, i) nodes placed by ``ijk_to_ras`` (4, 4) in the CT's RAS."""

    shape_kji: tuple[int, int, int]
    ijk_to_ras: Matrix


def field_grid_of(ct: Volume) -> FieldGrid:
    """FIELD_NODES nodes along each axis of the CT, the outermost at its outermost voxel centres."""
    steps = (np.array(ct.voxels.shape[::-1]) - 1) / (FIELD_NODES - 1)
    return FieldGrid((FIELD_NODES,) * 3, ct.ijk_to_ras @ np.diag([*steps, 1.0]))


def modes_on(grid: FieldGrid, modes: DeformationModes) -> tuple[Array, Array]:
    """A patient's mean displacement (3, k, j, i) and its modes (modes, 3, k, j, i), mm RAS, on a grid."""

    def sampled(vectors_mm: Array) -> Array:
        found = DisplacementField(vectors_mm, modes.ijk_to_ras).on_grid(grid.shape_kji, grid.ijk_to_ras)
        return np.ascontiguousarray(np.moveaxis(found.vectors_mm, -1, 0), np.float32)

    return sampled(modes.mean_mm), np.stack([sampled(mode) for mode in modes.modes_mm])


def projections_of(ct: Projector, geometries: Sequence[XRayGeometry]) -> Array:
    """(N, 2, side, side): contrasts of the CT as it was scanned on films of these geometries, in the CT's RAS."""
    return np.stack([two_contrasts(image, np.ones(image.shape, bool)) for image in ct.project(geometries)])


def projector_of(ct: Volume, device: str) -> Projector:
    """A CT in HU ready to be projected."""
    return Projector(Volume(attenuation_from_hu(ct.voxels), ct.ijk_to_ras, "mu_per_mm"), device=device)


def directions_of(geometries: Sequence[XRayGeometry]) -> Array:
    """(N, 6): the films' column and row axes in the CT's RAS."""
    return np.array([[*g.column_direction, *g.row_direction] for g in geometries], np.float32)
