"""CT volumes from files: NIfTI, NRRD, MetaImage and DICOM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayLib.ct.volume import Volume
from XRayLib.errors import InputError
from XRayLib.nifti_file import NO_NUMBERS, check_numbers, is_nifti, read_head

if TYPE_CHECKING:
    import SimpleITK as sitk

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")

LOWEST_HU = -1024.0
"""Scanners pad outside the field of view with values below air; they are raised to this."""

AIR_OR_FAT_HU = -30.0
"""A CT in Hounsfield units has voxels below this; an image that has none is in other units."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def load_ct(path: str | Path) -> Volume:
    """A CT in Hounsfield units from a file or a DICOM folder (of several series, the one with most slices).

    Raises
    ------
    InputError
        When the file is missing, unreadable, not three-dimensional, or not a CT in HU.
    """
    volume = load_volume(path)
    if volume.voxels.min() > AIR_OR_FAT_HU:
        raise InputError(
            f"{Path(path).name} is not a CT in Hounsfield units: no voxel is below {AIR_OR_FAT_HU:.0f} (air or fat)."
        )
    np.maximum(volume.voxels, LOWEST_HU, out=volume.voxels)
    return volume


def load_volume(path: str | Path, quantity: str = "HU") -> Volume:
    """A volume of any quantity from a NIfTI, NRRD, MetaImage or DICOM file or a DICOM folder, values as stored."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"The volume {path.name} does not exist: check its path.")
    if path.is_dir() or not path.name.lower().endswith(VOLUME_SUFFIXES):
        from XRayLib.ct.dicom_series import load_dicom_series

        volume = load_dicom_series(path)
    else:
        volume = _load_file(path)
    if not np.isfinite(volume.voxels).all():
        raise InputError(NO_NUMBERS.format(name=path.name))
    return Volume(volume.voxels, volume.ijk_to_ras, quantity)


def ijk_to_ras_of(image: sitk.Image) -> np.ndarray:
    """(4, 4) matrix from voxel indices to RAS mm of a SimpleITK image, whose own frame is LPS."""
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    ijk_to_lps[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ ijk_to_lps


def _load_file(path: Path) -> Volume:
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read as a volume: it is damaged or of another kind.") from error
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[..., 0]
    if is_nifti(path):
        _check_nifti(path)
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1 or min(image.GetSize()) < 2:
        raise InputError(f"{path.name} is not one three-dimensional grey-value volume: choose a CT.")
    return Volume(sitk.GetArrayFromImage(image).astype(np.float32), ijk_to_ras_of(image))


def _check_nifti(path: Path) -> None:
    """The reader takes what is no number for 0, water, and what is not stated for 1 mm and a usual place."""
    check_numbers(path)
    head = read_head(path)
    if not all(size > 0 for size in head.voxel_mm):
        raise InputError(f"{path.name} does not state the size of its voxels: convert it again from the original.")
    if not head.is_placed:
        raise InputError(
            f"{path.name} does not state how its voxels lie in the patient (left, right, front, back): convert it "
            "again from the original."
        )
