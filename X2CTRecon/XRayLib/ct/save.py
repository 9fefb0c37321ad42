"""Volumes into files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from XRayLib.ct.load import LPS_TO_RAS
from XRayLib.ct.volume import Volume
from XRayLib.errors import InputError
from XRayLib.write_image import write_image

WRITABLE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")


def save_volume(volume: Volume, path: str | Path) -> None:
    """Write NIfTI, NRRD or MetaImage by the path's suffix; an existing file is replaced only once all is written.

    HU and labels are rounded to int16, as scanners store them; other quantities stay float32.
    """
    import SimpleITK as sitk

    path = Path(path)
    if not path.name.lower().endswith(WRITABLE_SUFFIXES):
        raise InputError(f"{path.name}: a volume is written as one of {', '.join(WRITABLE_SUFFIXES)}.")
    voxels = volume.voxels
    if volume.quantity in ("HU", "label"):
        voxels = np.rint(np.clip(voxels, -32768, 32767)).astype(np.int16)
    image = sitk.GetImageFromArray(voxels)
    ijk_to_lps = LPS_TO_RAS @ volume.ijk_to_ras
    direction = ijk_to_lps[:3, :3] / volume.spacing_mm
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-4):
        raise InputError("The volume's axes are not perpendicular, which files cannot store: resample it first.")
    image.SetSpacing(volume.spacing_mm)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(ijk_to_lps[:3, 3].tolist())
    write_image(image, path)
