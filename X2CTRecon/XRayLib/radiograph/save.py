"""Radiographs into files, their geometry with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from XRayLib.errors import InputError
from XRayLib.geometry import write_geometry_file
from XRayLib.radiograph.radiograph import Radiograph
from XRayLib.whole_file import whole_file
from XRayLib.write_image import write_image

FLOAT_SUFFIXES = (".nrrd", ".nii.gz", ".nii", ".mha")
INTEGER_SUFFIXES = (".png", ".tif", ".tiff")
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
LARGEST_STORED = 65535


def save_radiograph(radiograph: Radiograph, path: str | Path, *, bone_dark: bool = False, study: str = "") -> None:
    """Write the image by the path's suffix, so that loading it gives back the same radiograph.

    ``.dcm`` is DICOM with geometry tags and our exact private block. ``.nrrd``, ``.nii.gz`` and ``.mha`` hold float32
    values, ``.png`` and ``.tif`` 16-bit integers with a scale; beside these goes a geometry file of the same name.

    Parameters
    ----------
    radiograph : Radiograph
    path : str or Path
    bone_dark : bool
        Write the picture inverted (said in the file): DICOM MONOCHROME1, or intensity display_bone_dark.
    study : str
        DICOM only: radiographs with the same text belong to one study.

    Raises
    ------
    InputError
        When the suffix is unknown or the file cannot be written.
    """
    path = Path(path)
    name = path.name.lower()
    if name.endswith(DICOM_SUFFIXES):
        from XRayLib.radiograph.save_dicom import save_dicom

        save_dicom(radiograph, path, bone_dark=bone_dark, study=study)
        return
    intensity = "line_integral" if radiograph.calibrated else "display_bone_bright"
    if bone_dark:
        intensity = "display_bone_dark"
    try:
        if name.endswith(FLOAT_SUFFIXES):
            scale = None
            _write_float(radiograph, path, bone_dark)
        elif name.endswith(INTEGER_SUFFIXES):
            scale = _write_integers(radiograph, path, bone_dark)
        else:
            known = ", ".join((*DICOM_SUFFIXES[:1], *FLOAT_SUFFIXES, *INTEGER_SUFFIXES))
            raise InputError(f"{path.name}: a radiograph is written as one of {known}.")
        write_geometry_file(radiograph.geometry, geometry_file_beside(path), intensity, scale)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path.name} cannot be written: check that the folder exists and has room.") from error


def geometry_file_beside(path: str | Path) -> Path:
    """Where the geometry of an image file lies: ``film.nii.gz`` -> ``film.geometry.json``."""
    path = Path(path)
    stem = path.name[: -len(".nii.gz")] if path.name.lower().endswith(".nii.gz") else path.stem
    return path.with_name(f"{stem}.geometry.json")


def images_of_the_same_name(path: Path) -> list[Path]:
    """Other images beside this one that ``geometry_file_beside`` gives the same geometry."""
    suffixes = (*DICOM_SUFFIXES, *FLOAT_SUFFIXES, *INTEGER_SUFFIXES)
    beside = geometry_file_beside(path)
    return [
        other
        for other in sorted(path.parent.iterdir())
        if other.name.lower().endswith(suffixes) and other != path and geometry_file_beside(other) == beside
    ]


def _write_float(radiograph: Radiograph, path: Path, bone_dark: bool) -> None:
    import SimpleITK as sitk

    pixels = radiograph.line_integral
    image = sitk.GetImageFromArray(pixels.max() - pixels if bone_dark else pixels)
    image.SetSpacing(radiograph.geometry.pixel_spacing_mm[::-1])
    write_image(image, path)


def _write_integers(radiograph: Radiograph, path: Path, bone_dark: bool) -> float:
    """Write value / scale rounded to 16 bit, negative values as 0; returns the scale."""
    from PIL import Image

    pixels = np.maximum(radiograph.line_integral, 0.0)
    scale = float(pixels.max()) / LARGEST_STORED or 1.0
    stored = np.rint(pixels / scale).astype(np.uint16)
    if bone_dark:
        stored = LARGEST_STORED - stored
    with whole_file(path) as unfinished:
        Image.fromarray(stored).save(
            unfinished, dpi=tuple(25.4 / s for s in radiograph.geometry.pixel_spacing_mm[::-1])
        )
    return scale
