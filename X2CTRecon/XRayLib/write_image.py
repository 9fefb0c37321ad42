"""Images into files, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from XRayLib.errors import InputError
from XRayLib.nifti_file import is_complete, is_nifti
from XRayLib.whole_file import whole_file

if TYPE_CHECKING:
    import SimpleITK as sitk


def write_image(image: sitk.Image, path: Path) -> None:
    """Write an image by the path's suffix, compressed but for ``.nii``; an existing file is replaced once all is there.

    Raises
    ------
    InputError
        When it cannot be written, or only in part: ITK's writer of NIfTI keeps silent about a full disk.
    """
    import SimpleITK as sitk

    try:
        with whole_file(path) as unfinished:
            sitk.WriteImage(image, str(unfinished), useCompression=not path.name.lower().endswith(".nii"))
            if is_nifti(unfinished) and not is_complete(unfinished):
                raise OSError("part of the file is missing")
    except (RuntimeError, OSError) as error:
        raise InputError(f"{path.name} cannot be written: check that the folder exists and has room.") from error
