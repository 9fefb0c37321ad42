"""Displacement fields: what they are, and what they do to points and volumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.ct.resample import OUTSIDE
from XRayLib.errors import InputError

Points = NDArray[np.float64]

UNSOLVED_MM = 0.01
"""A point whose place now is known no better than this counts as not found."""


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Where each point of the deformed (fixed) anatomy lies in the CT (moving): p_ct = p + u(p), RAS mm.

    The direction is the one in which images are resampled, as in ITK and in Slicer's grid transforms. Between voxel
    centres u is trilinear.

    Parameters
    ----------
    vectors_mm : (k, j, i, 3) float, u in RAS mm
    ijk_to_ras : (4, 4)
    """

    vectors_mm: NDArray[np.float32]
    ijk_to_ras: NDArray[np.float64]

    def __post_init__(self) -> None:
        vectors, matrix = np.asarray(self.vectors_mm), np.asarray(self.ijk_to_ras, float)
        if vectors.ndim != 4 or vectors.shape[3] != 3 or min(vectors.shape) < 2 or not np.isfinite(vectors).all():
            raise InputError("A displacement field must hold a finite vector of three numbers at each voxel.")
        if matrix.shape != (4, 4) or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise InputError("A displacement field's ijk_to_ras must be an invertible 4x4 matrix.")
        object.__setattr__(self, "vectors_mm", np.ascontiguousarray(vectors, np.float32))
        object.__setattr__(self, "ijk_to_ras", np.ascontiguousarray(matrix))

    @classmethod
    def identity(cls, shape_kji: tuple[int, int, int], ijk_to_ras: NDArray[np.float64]) -> DisplacementField:
        """Nothing moves."""
        return cls(np.zeros((*shape_kji, 3), np.float32), ijk_to_ras)

    @property
    def ras_to_ijk(self) -> NDArray[np.float64]:
        """(4, 4), from RAS mm to voxel indices (i, j, k)."""
        return np.linalg.inv(self.ijk_to_ras)

    def voxel_points(self) -> Points:
        """RAS position of every voxel, (k, j, i, 3)."""
        k, j, i = np.indices(self.vectors_mm.shape[:3])
        return np.stack([i, j, k], axis=-1) @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]

    def at(self, points_ras_mm: Points, *, extend: bool = False) -> Points:
        """u at points (..., 3) of the anatomy as it is now.

        Outside the voxel centres it is not a number, or with ``extend`` that of the nearest point inside.
        """
        from XRayLib.motion.sampling import vectors_at

        points = np.ascontiguousarray(points_ras_mm, float)
        found = vectors_at(self.vectors_mm, self.ras_to_ijk, points.reshape(-1, 3), extend)
        return found.reshape(points.shape)

    def in_ct(self, points_now_ras_mm: Points) -> Points:
        """Where points (..., 3) of the anatomy as it is now lie in the CT; the field is extended beyond its grid."""
        return points_now_ras_mm + self.at(points_now_ras_mm, extend=True)

    def moved(self, points_ct_ras_mm: Points) -> Points:
        """Where points (..., 3) of the CT are now: the solution p of p + u(p) = p_ct, extended beyond the grid.

        Where the field folds there are several; one of them is given.

        Raises
        ------
        InputError
            When none is found for a point, which happens only where the field folds.
        """
        from XRayLib.motion.sampling import solved

        points = np.ascontiguousarray(points_ct_ras_mm, float)
        found, left_mm = solved(self.vectors_mm, self.ras_to_ijk, points.reshape(-1, 3))
        if len(left_mm) and left_mm.max() > UNSOLVED_MM:
            raise InputError("The displacement field cannot be inverted: it folds. Use a smoother one.")
        return found.reshape(points.shape)

    def inverse(self) -> DisplacementField:
        """The field from the CT to now, on the same grid: ``inverse().at(p_ct)`` is p - p_ct."""
        points = self.voxel_points()
        return DisplacementField((self.moved(points) - points).astype(np.float32), self.ijk_to_ras)

    def composed(self, then: DisplacementField) -> DisplacementField:
        """First this field, then ``then`` at the point it leads to; on this field's grid."""
        points = self.voxel_points()
        between = points + self.vectors_mm
        total = then.at(between, extend=True) + self.vectors_mm
        return DisplacementField(total.astype(np.float32), self.ijk_to_ras)

    def on_grid(self, shape_kji: tuple[int, int, int], ijk_to_ras: NDArray[np.float64]) -> DisplacementField:
        """The same field sampled on another grid."""
        from XRayLib.motion.sampling import resampled

        matrix = np.ascontiguousarray(ijk_to_ras, float)
        return DisplacementField(resampled(self.vectors_mm, self.ras_to_ijk, shape_kji, matrix), matrix)

    def warp(self, volume: Volume, *, extend: bool = False, keep_mass: bool = False) -> Volume:
        """The CT (or labels, nearest voxel) in the deformed anatomy, on the field's grid.

        Air, or 0 for other quantities, where the field leads outside the volume; with ``extend`` the nearest voxel
        instead, for a CT that ends inside the patient. With ``keep_mass`` lung in a CT in HU gets denser where it is
        squeezed and thinner where it is stretched.
        """
        from XRayLib.motion.sampling import keep_lung_mass, warped

        outside = np.float32(OUTSIDE.get(volume.quantity, 0.0))
        ras_to_ijk = np.linalg.inv(volume.ijk_to_ras)
        nearest = volume.quantity == "label"
        voxels = warped(volume.voxels, ras_to_ijk, self.vectors_mm, self.ijk_to_ras, nearest, extend, outside)
        if keep_mass and volume.quantity == "HU":
            keep_lung_mass(voxels, self.vectors_mm, self.ras_to_ijk)
        return Volume(voxels, self.ijk_to_ras, volume.quantity)

    def jacobian_determinants(self) -> NDArray[np.float32]:
        """det d(p + u)/dp at every voxel, (k, j, i): 1 keeps volume, at most 0 folds. Central differences."""
        from XRayLib.motion.sampling import determinants

        return determinants(self.vectors_mm, self.ras_to_ijk)

    def folding_fraction(self) -> float:
        """Share of the voxels where the field folds."""
        return float(np.mean(self.jacobian_determinants() <= 0))
