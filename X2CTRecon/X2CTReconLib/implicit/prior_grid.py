"""The earlier CT on the grid that the network is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import MU_WATER_PER_MM, Volume, attenuation_from_hu, hu_from_attenuation, resample

BODY_HU = -700.0
TISSUE_HU = -500.0
"""Above it a voxel at the CT's border shows that the body goes on beyond it."""


@dataclass(frozen=True)
class PriorGrid:
    """The CT resampled along its own axes, in the CT's RAS."""

    water: Volume
    """Attenuation in units of water's, (k, j, i) float32."""
    body: NDArray[np.bool_]
    """(k, j, i), with a margin of one voxel."""

    @classmethod
    def of(cls, ct: Volume, longest: int) -> PriorGrid:
        """At most ``longest`` voxels along an edge, cubic where the CT is finer, never finer than the CT."""
        from scipy.ndimage import binary_dilation

        size_ijk, spacing = np.array(ct.voxels.shape[::-1]), np.array(ct.spacing_mm)
        pitch = np.maximum(spacing, (size_ijk * spacing).max() / longest)
        shape_ijk = np.maximum(2, np.ceil(size_ijk * spacing / pitch - 1e-6).astype(int))
        matrix = np.eye(4)
        matrix[:3, :3] = ct.ijk_to_ras[:3, :3] * (pitch / spacing)
        matrix[:3, 3] = ct.center_ras_mm - matrix[:3, :3] @ ((shape_ijk - 1) / 2)
        coarse = resample(ct, (int(shape_ijk[2]), int(shape_ijk[1]), int(shape_ijk[0])), matrix)
        body = binary_dilation(coarse.voxels > BODY_HU, np.ones((3, 3, 3)))
        water = attenuation_from_hu(coarse.voxels) / np.float32(MU_WATER_PER_MM)
        return cls(Volume(water, matrix, "mu_per_mm"), body)

    def positions(self) -> NDArray[np.float32]:
        """Voxel centres in the unit cube, (voxels, 3), in the order of the flattened grid."""
        axes = [(np.arange(n, dtype=np.float32) + 0.5) / n for n in self.body.shape]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)

    def cut_body(self) -> Volume:
        """1/mm where tissue touches the border of the CT: a ray through it has passed anatomy that the CT lacks."""
        border = np.ones(self.body.shape, bool)
        border[1:-1, 1:-1, 1:-1] = False
        cut = border & (self.water.voxels > 1 + TISSUE_HU / 1000)
        return Volume(cut.astype(np.float32), self.water.ijk_to_ras, "mu_per_mm")

    def changed_ct(self, ct: Volume, water: NDArray[np.float32]) -> Volume:
        """The CT in HU, on its own grid, plus what ``water`` (k, j, i) has changed; never below vacuum."""
        change = Volume((water - self.water.voxels) * MU_WATER_PER_MM, self.water.ijk_to_ras, "mu_per_mm")
        fine = resample(change, ct.voxels.shape, ct.ijk_to_ras, antialias=False)  # type: ignore[arg-type]
        # Where nothing has changed the CT's own numbers stay, padding below vacuum included.
        hu = ct.voxels + 1000 / np.float32(MU_WATER_PER_MM) * fine.voxels
        return Volume(np.where(fine.voxels == 0, ct.voxels, np.maximum(hu, -1000)), ct.ijk_to_ras)

    def as_hu(self, water: NDArray[np.float32]) -> Volume:
        """``water`` (k, j, i) itself, in HU."""
        return Volume(hu_from_attenuation(np.maximum(water, 0) * MU_WATER_PER_MM), self.water.ijk_to_ras)
