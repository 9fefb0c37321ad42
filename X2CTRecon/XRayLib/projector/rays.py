"""The rays of several views in the index space of a volume, and how they move with the volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Rays:
    """Half-lines from the source of each view through every pixel, in voxel indices (i, j, k) of one volume.

    In view v the ray of pixel (column, row) is ``source_ijk[v] + depth * pixel_to_ijk[v] @ (column, row, 1)``,
    depth > 0 in mm along the detector normal; ``pixel_to_ras[v] @ (column, row, 1)`` is the same direction in RAS,
    whose length turns depth into path length.
    """

    source_ijk: Matrix
    """(views, 3)"""
    pixel_to_ijk: Matrix
    """(views, 3, 3)"""
    pixel_to_ras: Matrix
    """(views, 3, 3)"""
    size_px: tuple[int, int]
    """(columns, rows) of every view"""

    def __len__(self) -> int:
        return len(self.source_ijk)


@dataclass(frozen=True)
class RayMotion:
    """Derivatives of the rays when the volume moves: by rotation about R, A, S (rad), then translation (mm)."""

    source_ijk: Matrix
    """(views, 6, 3)"""
    pixel_to_ijk: Matrix
    """(views, 6, 3, 3)"""


def rays_of(geometries: Sequence[XRayGeometry], ijk_to_ras: Matrix) -> Rays:
    """Rays of views of one size in the index space of a volume; ``ijk_to_ras`` is any invertible affine.

    Raises
    ------
    InputError
        When there is no view, the sizes differ, or a matrix cannot be inverted.
    """
    if len(geometries) == 0:
        raise InputError("Projection needs at least one view.")
    sizes = {geometry.size_px for geometry in geometries}
    if len(sizes) > 1:
        raise InputError(f"All views of one projection must have the same size in pixels, these have {sorted(sizes)}.")
    matrices = np.stack([geometry.ras_to_pixel for geometry in geometries])
    try:
        pixel_to_ras = np.linalg.inv(matrices[:, :, :3])
        ras_to_ijk = np.linalg.inv(ijk_to_ras)
    except np.linalg.LinAlgError:
        raise InputError(
            "A view's ras_to_pixel or the volume's ijk_to_ras is singular: correct the geometry."
        ) from None
    sources_ras = -np.einsum("vij,vj->vi", pixel_to_ras, matrices[:, :, 3])
    return Rays(
        source_ijk=sources_ras @ ras_to_ijk[:3, :3].T + ras_to_ijk[:3, 3],
        pixel_to_ijk=ras_to_ijk[:3, :3] @ pixel_to_ras,
        pixel_to_ras=pixel_to_ras,
        size_px=sizes.pop(),
    )


def motion_of(rays: Rays, ijk_to_ras: Matrix, pivot_ras_mm: Matrix) -> RayMotion:
    """How the rays change, seen from the volume, when the volume turns about the pivot and shifts.

    A volume moved by x -> pivot + R(w) (x - pivot) + t sees the source and the ray directions moved the other way:
    ds = -w x (s - pivot) - t and dd = -w x d to first order.
    """
    ras_to_ijk = np.linalg.inv(ijk_to_ras[:3, :3])
    turns = np.zeros((3, 3, 3))
    for axis, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        turns[axis, i, j], turns[axis, j, i] = -1.0, 1.0
    sources_ras = rays.source_ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
    source = np.zeros((len(rays), 6, 3))
    source[:, :3] = -np.einsum("ab,mbc,vc->vma", ras_to_ijk, turns, sources_ras - pivot_ras_mm)
    source[:, 3:] = -ras_to_ijk.T
    direction = np.zeros((len(rays), 6, 3, 3))
    direction[:, :3] = -np.einsum("ab,mbc,vcd->vmad", ras_to_ijk, turns, rays.pixel_to_ras)
    return RayMotion(source, direction)
