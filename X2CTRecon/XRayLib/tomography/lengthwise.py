"""Rays that cross a volume from side to side, told from those that leave it where the body goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.tomography.films import Films

LONGER_BODY = 0.5
"""The body goes on along S beyond the volume by this share of its length; rays that leave the volume there are not
held against it."""


def crossing_lengthwise(volume: Volume, films: Films, device: str = "auto") -> NDArray[np.float32]:
    """(views, rows, columns): 1 for rays that enter and leave the volume through its sides, less for those that leave
    it through its ends along S, 0 for those that miss it."""
    from XRayLib.projector import project

    ones = np.ones((3, 3, 3), np.float32)
    corners = np.array([[i, j, k, 1.0] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    corners[:, :3] *= np.array(volume.voxels.shape[::-1]) - 1
    ras = (corners @ volume.ijk_to_ras.T)[:, :3]
    extent, middle = ras.max(axis=0) - ras.min(axis=0), volume.center_ras_mm
    lengths = [
        project(
            Volume.axis_aligned(ones, tuple(e / 2), tuple(middle), "mu_per_mm"), list(films.geometries), device=device
        )
        for e in (extent, extent * (1, 1, 1 + 2 * LONGER_BODY))
    ]
    share = lengths[0] / np.maximum(lengths[1], 1e-3)
    return np.clip((share - 0.8) / 0.2, 0, 1).astype(np.float32)
