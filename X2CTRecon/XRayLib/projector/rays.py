"""The rays of a view in the index space of a volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Rays:
    """Half-lines from the source of one view through every pixel, in voxel indices (i, j, k) of one volume.

    The ray of pixel (column, row) is ``source_ijk + depth * (pixel_to_ijk @ (column, row, 1))``, depth > 0 in mm along
    the detector normal; ``pixel_to_ras @ (column, row, 1)`` is the same direction in RAS, whose length turns depth into
    path length.
    """

    source_ijk: Matrix
    """(3,)"""
    pixel_to_ijk: Matrix
    """(3, 3)"""
    pixel_to_ras: Matrix
    """(3, 3)"""


def rays_of(geometry: XRayGeometry, ijk_to_ras: Matrix) -> Rays:
    """Rays of ``geometry`` in the index space of a volume; ``ijk_to_ras`` is any invertible affine.

    Raises
    ------
    InputError
        When the view's or the volume's matrix cannot be inverted.
    """
    try:
        pixel_to_ras = np.linalg.inv(geometry.ras_to_pixel[:, :3])
        ras_to_ijk = np.linalg.inv(ijk_to_ras)
    except np.linalg.LinAlgError:
        raise InputError("The geometry or the volume's ijk_to_ras is singular: it describes no projection.") from None
    source_ras = -pixel_to_ras @ geometry.ras_to_pixel[:, 3]
    return Rays(
        source_ijk=ras_to_ijk[:3, :3] @ source_ras + ras_to_ijk[:3, 3],
        pixel_to_ijk=ras_to_ijk[:3, :3] @ pixel_to_ras,
        pixel_to_ras=pixel_to_ras,
    )
