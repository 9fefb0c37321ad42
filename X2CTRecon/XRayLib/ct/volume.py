"""A 3D image with its place in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.box import box_corners


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume in RAS millimetres.

    Parameters
    ----------
    voxels : (k, j, i) float32
    ijk_to_ras : (4, 4) matrix
        From voxel indices (i, j, k; integers at voxel centres) to RAS mm.
    quantity : str
        "HU", "mu_per_mm" (linear attenuation), "HU_sd" (standard deviation) or "label".
    """

    voxels: NDArray[np.float32]
    ijk_to_ras: NDArray[np.float64]
    quantity: str = "HU"

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or self.voxels.size == 0:
            raise InputError("A volume must be a three-dimensional image.")
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        if matrix.shape != (4, 4) or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise InputError("A volume's ijk_to_ras must be an invertible 4x4 matrix.")
        matrix.setflags(write=False)
        object.__setattr__(self, "ijk_to_ras", matrix)
        object.__setattr__(self, "voxels", np.ascontiguousarray(self.voxels, dtype=np.float32))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along (i, j, k)."""
        return tuple(float(s) for s in np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0))  # type: ignore[return-value]

    @property
    def center_ras_mm(self) -> NDArray[np.float64]:
        """RAS position of the middle of the volume, (3,)."""
        size_ijk = np.array(self.voxels.shape[::-1], float)
        return self.ijk_to_ras[:3, :3] @ ((size_ijk - 1) / 2) + self.ijk_to_ras[:3, 3]

    @property
    def corners_ras_mm(self) -> NDArray[np.float64]:
        """RAS positions of the middles of the eight outermost voxels, (8, 3)."""
        corners = box_corners(np.zeros(3), np.array(self.voxels.shape[::-1]) - 1)
        return corners @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]

    @classmethod
    def axis_aligned(
        cls,
        voxels: NDArray[np.float32],
        spacing_mm: tuple[float, float, float],
        center_ras_mm: NDArray[np.float64] | tuple[float, float, float] = (0.0, 0.0, 0.0),
        quantity: str = "HU",
    ) -> Volume:
        """A volume whose i, j, k run along R, A, S with the given middle."""
        matrix = np.diag([*spacing_mm, 1.0])
        matrix[:3, 3] = np.asarray(center_ras_mm, float) - matrix[:3, :3] @ ((np.array(voxels.shape[::-1]) - 1) / 2)
        return cls(voxels, matrix, quantity)
