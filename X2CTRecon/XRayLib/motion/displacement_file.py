"""Displacement fields in files, as ITK and Slicer's grid transforms hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from XRayLib.errors import InputError
from XRayLib.motion.displacement_field import DisplacementField
from XRayLib.nifti_file import check_numbers, is_nifti

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


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
    if is_nifti(path):
        check_numbers(path)
    if image.GetDimension() == 4 and image.GetSize()[3] == 3 and image.GetNumberOfComponentsPerPixel() == 1:
        image = sitk.Compose([image[..., axis] for axis in range(3)])
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 3:
        raise InputError(f"{path.name} is no displacement field: it must hold three numbers per voxel.")
    vectors = sitk.GetArrayFromImage(image) * _LPS_TO_RAS
    return DisplacementField(vectors.astype(np.float32), ijk_to_ras_of(image))
