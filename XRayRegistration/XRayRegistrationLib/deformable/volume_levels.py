"""The CT at one resolution, deformed, and how its attenuation changes with the deformation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.ct.blocks import block_mean
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import DisplacementField

from XRayRegistrationLib.deformable.gradient_rays import projected_changes

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
        """(k, j, i, 3) gradient of the CT's attenuation at p + u(p)."""
        return np.stack([self.field.warp(part, extend=True).voxels for part in self.level.gradients], axis=-1)

    def changes(self, fields: list[DisplacementField], geometry: XRayGeometry, mask: NDArray[np.bool_]) -> Array:
        """(fields, rows, columns) how the line integrals change with the displacement, by each of these fields.

        The change of the lungs' density with their volume is left out: it is smooth.
        """
        return projected_changes(self.gradients, self.attenuation.ijk_to_ras, fields, geometry, mask)


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
