"""A deformation as a file of ITK and Slicer: an image of displacement vectors.

Such an image holds, in LPS, the displacement of a resampler: from the fixed anatomy, as it is now, to the moving one,
the CT. 3D Slicer reads it as a grid transform *from* parent, so a CT under the loaded node is deformed as registered;
``XRayLib.metrics.load_displacement_field`` reads it back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayLib.errors import InputError
from XRayLib.geometry.lps import LPS_TO_RAS
from XRayLib.write_image import write_image

if TYPE_CHECKING:
    from XRayLib.metrics import DisplacementField

DEFORMATION_SUFFIXES = (".nii.gz", ".nii", ".mha", ".nrrd")


def check_deformation_name(path: str | Path) -> Path:
    """The path; InputError when its name is not that of an image of vectors."""
    path = Path(path)
    if not path.name.lower().endswith(DEFORMATION_SUFFIXES):
        known = ", ".join(DEFORMATION_SUFFIXES[:-1])
        raise InputError(f"{path.name}: name the deformation {known} or {DEFORMATION_SUFFIXES[-1]}.")
    return path


def write_deformation_file(path: str | Path, field: DisplacementField) -> None:
    """Write a field (RAS mm) as an image of LPS vectors, float32.

    Raises
    ------
    InputError
        The name has another ending, the field's axes are not perpendicular, or the folder cannot be written.
    """
    import SimpleITK as sitk

    path = check_deformation_name(path)
    matrix = LPS_TO_RAS @ np.asarray(field.ijk_to_ras, float)
    spacing_mm = np.linalg.norm(matrix[:3, :3], axis=0)
    direction = matrix[:3, :3] / spacing_mm
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-4):
        raise InputError("A deformation on a grid with oblique axes cannot be written: resample it first.")
    vectors = np.ascontiguousarray(field.vectors_mm * np.diag(LPS_TO_RAS)[:3], np.float32)
    image = sitk.GetImageFromArray(vectors, isVector=True)
    image.SetSpacing(spacing_mm.tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    image.SetDirection(direction.ravel().tolist())
    write_image(image, path)
