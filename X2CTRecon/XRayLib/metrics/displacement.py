"""Displacement fields: what they are, from files, and what they do to points and volumes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.errors import InputError

Points = NDArray[np.float64]

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Where each point of the deformed (fixed) anatomy lies in the CT (moving): p_ct = p + u(p), RAS mm.

    The direction is the one in which images are resampled, as in ITK and in Slicer's grid transforms.

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
        object.__setattr__(self, "ijk_to_ras", matrix)

    def voxel_points(self) -> Points:
        """RAS position of every voxel, (k, j, i, 3)."""
        k, j, i = np.indices(self.vectors_mm.shape[:3])
        return np.stack([i, j, k], axis=-1) @ self.ijk_to_ras[:3, :3].T + self.ijk_to_ras[:3, 3]

    def at(self, points_ras_mm: Points) -> Points:
        """u at points (..., 3), linearly interpolated; not a number outside the field's voxel centres."""
        from scipy.ndimage import map_coordinates

        indices = _indices(points_ras_mm, self.ijk_to_ras)
        whole = np.rint(indices)  # rounding must not put a voxel of the border outside
        indices = np.where(np.abs(indices - whole) < 1e-6, whole, indices)
        parts = [
            map_coordinates(np.asarray(self.vectors_mm[..., axis], float), indices, order=1, cval=np.nan)
            for axis in range(3)
        ]
        return np.stack(parts, axis=-1)

    def warp(self, volume: Volume) -> Volume:
        """The CT (or labels, nearest voxel) in the deformed anatomy, on the field's grid; air or 0 outside."""
        from scipy.ndimage import map_coordinates

        indices = _indices(self.voxel_points() + self.vectors_mm, volume.ijk_to_ras)
        outside = -1000.0 if volume.quantity == "HU" else 0.0
        order = 0 if volume.quantity == "label" else 1
        voxels = map_coordinates(volume.voxels, indices, order=order, cval=outside)
        return Volume(voxels.astype(np.float32), self.ijk_to_ras, volume.quantity)

    def jacobian_determinants(self) -> NDArray[np.float64]:
        """det d(p + u)/dp at every voxel, (k, j, i): 1 keeps volume, at most 0 folds. Central differences."""
        # gradient[c, a] = d u_c / d index_a, with index axes ordered i, j, k.
        gradient = np.stack(
            [np.stack(np.gradient(np.asarray(self.vectors_mm[..., c], float))[::-1], axis=-1) for c in range(3)],
            axis=-2,
        )
        per_mm = gradient @ np.linalg.inv(self.ijk_to_ras[:3, :3])
        return np.linalg.det(np.eye(3) + per_mm)


def load_displacement_field(path: str | Path) -> DisplacementField:
    """A field from an image of vectors (NIfTI, NRRD, MetaImage), which hold ITK's LPS mm.

    Raises
    ------
    InputError
        When the file is missing, unreadable, or no three-dimensional image of vectors.
    """
    import SimpleITK as sitk

    from XRayLib.ct.load import ijk_to_ras_of

    path = Path(path)
    if not path.is_file():
        raise InputError(f"The displacement field {path.name} does not exist: check its path.")
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read as a displacement field.") from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 3 and image.GetNumberOfComponentsPerPixel() == 1:
        image = sitk.Compose([image[..., axis] for axis in range(3)])
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 3:
        raise InputError(f"{path.name} is no displacement field: it must hold three numbers per voxel.")
    vectors = sitk.GetArrayFromImage(image) * _LPS_TO_RAS
    return DisplacementField(vectors.astype(np.float32), ijk_to_ras_of(image))


def _indices(points_ras_mm: Points, ijk_to_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxel coordinates (k, j, i) first, as scipy wants them, (3, ...)."""
    ras_to_ijk = np.linalg.inv(ijk_to_ras)
    ijk = points_ras_mm @ ras_to_ijk[:3, :3].T + ras_to_ijk[:3, 3]
    return np.moveaxis(ijk[..., ::-1], -1, 0)
