"""Images into files, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from XRayLib.errors import InputError
from XRayLib.nifti_file import is_complete, is_nifti

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

    unfinished = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        sitk.WriteImage(image, str(unfinished), useCompression=not path.name.lower().endswith(".nii"))
        if is_nifti(unfinished) and not is_complete(unfinished):
            raise OSError("part of the file is missing")
        unfinished.replace(path)
    except (RuntimeError, OSError) as error:
        raise InputError(f"{path.name} cannot be written: check that the folder exists and has room.") from error
    finally:
        unfinished.unlink(missing_ok=True)
