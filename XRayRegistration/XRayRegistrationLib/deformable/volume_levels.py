"""The CT at one resolution, deformed, and how its attenuation changes with the deformation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.ct.blocks import block_mean
from XRayLib.motion import DisplacementField

Array = NDArray[np.float32]


@dataclass(frozen=True)
class VolumeLevel:
    """The CT (HU) and the gradient of its attenuation along R, A and S, per mm."""

    ct: Volume
    gradients: tuple[Volume, Volume, Volume]

    def deformed(self, field: DisplacementField) -> DeformedVolume:
        """The anatomy as it is now, before the rigid pose; lungs keep their mass."""
        fine = field.on_grid(self.ct.voxels.shape, self.ct.ijk_to_ras)
        now = fine.warp(self.ct, extend=True, keep_mass=True)
        return DeformedVolume(self, fine, Volume(attenuation_from_hu(now.voxels), now.ijk_to_ras, "mu_per_mm"))


@dataclass(frozen=True)
class DeformedVolume:
    """``attenuation`` of the CT of ``level`` deformed by ``field``, on the CT's grid."""

    level: VolumeLevel
    field: DisplacementField
    attenuation: Volume

    @cached_property
    def gradients(self) -> Array:
        """(3, k, j, i) gradient of the CT's attenuation at p + u(p)."""
        return np.stack([self.field.warp(part, extend=True).voxels for part in self.level.gradients])

    def change(self, vectors_mm: Array, ras_to_ijk: NDArray[np.float64]) -> Volume:
        """How the attenuation changes with the displacement, by this field (k, j, i, 3) of another grid.

        The change of the lungs' density with their volume is left out: it is smooth.
        """
        grid = self.attenuation.ijk_to_ras
        return Volume(_along(self.gradients, vectors_mm, ras_to_ijk @ grid), grid, "mu_per_mm")


def volume_level(ct: Volume, spacing_mm: float) -> VolumeLevel:
    """The CT in HU averaged to voxels of about ``spacing_mm``."""
    coarse = block_mean(ct, spacing_mm)
    attenuation = attenuation_from_hu(coarse.voxels)
    by_index = [_difference(attenuation, axis) for axis in (2, 1, 0)]
    to_ras = np.linalg.inv(coarse.ijk_to_ras[:3, :3]).T.astype(np.float32)
    parts = np.tensordot(to_ras, np.stack(by_index), axes=1)
    return VolumeLevel(coarse, tuple(Volume(part, coarse.ijk_to_ras, "mu_per_mm") for part in parts))


def _difference(voxels: Array, axis: int) -> Array:
    return np.gradient(voxels, axis=axis) if voxels.shape[axis] > 1 else np.zeros_like(voxels)


@njit(nogil=True, cache=True)
def _along(gradients, vectors, to_field):
    """Scalar product of a gradient (3, k, j, i) and a coarser field (k, j, i, 3), linear and extended between grids."""
    _, depth, rows, columns = gradients.shape
    size_k, size_j, size_i, _ = vectors.shape
    result = np.empty((depth, rows, columns), np.float32)
    for k in range(depth):
        for j in range(rows):
            for i in range(columns):
                g0, g1, g2 = gradients[0, k, j, i], gradients[1, k, j, i], gradients[2, k, j, i]
                if g0 == 0 and g1 == 0 and g2 == 0:
                    result[k, j, i] = 0
                    continue
                x = to_field[0, 0] * i + to_field[0, 1] * j + to_field[0, 2] * k + to_field[0, 3]
                y = to_field[1, 0] * i + to_field[1, 1] * j + to_field[1, 2] * k + to_field[1, 3]
                z = to_field[2, 0] * i + to_field[2, 1] * j + to_field[2, 2] * k + to_field[2, 3]
                x, y, z = min(max(x, 0), size_i - 1), min(max(y, 0), size_j - 1), min(max(z, 0), size_k - 1)
                a, b, c = min(int(x), size_i - 2), min(int(y), size_j - 2), min(int(z), size_k - 2)
                u, v, w = x - a, y - b, z - c
                total = 0.0
                for n in range(8):
                    di, dj, dk = n & 1, (n >> 1) & 1, n >> 2
                    share = (u if di else 1 - u) * (v if dj else 1 - v) * (w if dk else 1 - w)
                    vector = vectors[c + dk, b + dj, a + di]
                    total += share * (g0 * vector[0] + g1 * vector[1] + g2 * vector[2])
                result[k, j, i] = total
    return result
