"""What follows from a deformation: the organ where it is now, the films' re-projections, numbers about the field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from XRayLib.case import SurfaceMesh, View
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.radiograph import Radiograph
from XRayLib.reprojection import reproject

Matrix = NDArray[np.float64]


def deformed_ct(ct: Volume, field: DisplacementField) -> Volume:
    """The CT (HU) as it is now, on its own grid, before its pose; what lies beyond its ends repeats its last slices."""
    return field.on_grid(ct.voxels.shape, ct.ijk_to_ras).warp(ct, extend=True, keep_mass=True)


def projected(
    ct: Volume, field: DisplacementField, ct_to_world: Matrix, radiographs: Sequence[Radiograph], device: str
) -> tuple[View, ...]:
    """The deformed CT on every film."""
    now = deformed_ct(ct, field)
    return reproject(Volume(now.voxels, ct_to_world @ now.ijk_to_ras), radiographs, device)


def moved_mesh(
    mesh: SurfaceMesh, field: DisplacementField, ct_to_world: Matrix, deviation_mm: Volume | None = None
) -> SurfaceMesh:
    """An organ of the CT where it is now, in the world, with how far each point went and how sure that is."""
    now = field.moved(mesh.points)
    scalars = {"displacement_mm": np.linalg.norm(now - mesh.points, axis=1)}
    if deviation_mm is not None:
        vectors = np.repeat(deviation_mm.voxels[..., None], 3, axis=-1)
        scalars["deviation_mm"] = DisplacementField(vectors, deviation_mm.ijk_to_ras).at(now, extend=True)[:, 0]
    return SurfaceMesh(now @ ct_to_world[:3, :3].T + ct_to_world[:3, 3], mesh.triangles, scalars)


def field_numbers(field: DisplacementField) -> dict[str, float]:
    """Folding, smallest volume change, and how far 95 % of the field's nodes move at most."""
    determinants = field.jacobian_determinants()
    return {
        "folding_fraction": float(np.mean(determinants <= 0)),
        "jacobian_min": float(determinants.min()),
        "displacement_p95_mm": float(np.percentile(np.linalg.norm(field.vectors_mm, axis=-1), 95)),
    }


def beyond_ct_mm(points_ct_mm: NDArray[np.floating], ct: Volume) -> float:
    """How far the farthest of (n, 3) points in the CT's RAS lies outside of its voxels, in mm; 0 when none does."""
    to_index = np.linalg.inv(ct.ijk_to_ras)
    index = points_ct_mm @ to_index[:3, :3].T + to_index[:3, 3]
    last = np.array(ct.voxels.shape[::-1]) - 1
    beyond = np.maximum(np.maximum(-0.5 - index, index - last - 0.5), 0.0)
    return float(np.linalg.norm(beyond * ct.spacing_mm, axis=1).max())
