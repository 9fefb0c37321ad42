"""Radiographs from volume files: NRRD, NIfTI and MetaImage, two-dimensional, one slice, or a stack of frames."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.nifti_file import check_numbers, is_complete
from XRayLib.radiograph.decoded_image import DecodedImage
from XRayLib.radiograph.grey_values import grey_values
from XRayLib.radiograph.pixel_checks import LARGEST_PIXELS, check_frame, check_size

READERS = {
    "nrrd": ("NrrdImageIO", (".nrrd",)),
    "nifti": ("NiftiImageIO", (".nii", ".nii.gz")),
    "metaimage": ("MetaImageIO", (".mha",)),
}
AIR_HU = -500.0


def read_volume_file_image(path: Path, kind: str, frame_index: int = 0) -> DecodedImage:
    """One frame of the file, values as stored, with its spacing.

    Parameters
    ----------
    path : Path
    kind : "nrrd", "nifti" or "metaimage"
    frame_index : int
        Which slice of a stack, from 0.

    Raises
    ------
    InputError
        When it is a CT volume, in colour, too large, or has no such slice.
    RuntimeError
        When it is damaged.
    """
    reader_name, suffixes = READERS[kind]
    _check_self_contained(path, kind)
    if path.name.lower().endswith(suffixes):
        return _read(path, path.name, reader_name, frame_index)
    # The reader goes by the name.
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"image{suffixes[-1] if _is_gzip(path) else suffixes[0]}"
        shutil.copyfile(path, named)
        return _read(named, path.name, reader_name, frame_index)


def _read(path: Path, name: str, reader_name: str, frame_index: int) -> DecodedImage:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO(reader_name)
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    size, channels = reader.GetSize(), reader.GetNumberOfComponents()
    dimensions = [axis for axis, length in enumerate(size) if length != 1]
    _check_layout(name, size, dimensions, channels, frame_index)
    if reader_name == READERS["nifti"][0]:
        if not is_complete(path):
            raise InputError(f"{name} is damaged: part of its pixels is missing. Copy it again.")
        check_numbers(path, name)
    image = reader.Execute()
    pixels, spacing_mm = _frame(image, dimensions, frame_index)
    if len(dimensions) == 3 and pixels.ndim == 2 and float(pixels.min()) <= AIR_HU:
        raise InputError(f"{name} is a CT volume, not a radiograph: choose it as the pre-operative CT instead.")
    grey, field = grey_values(pixels, name)
    return DecodedImage(grey, field=field, pixel_spacing_mm=spacing_mm)


def _check_layout(name: str, size: tuple[int, ...], dimensions: list[int], channels: int, frame_index: int) -> None:
    if len(dimensions) not in (2, 3) or channels > 4:
        raise InputError(f"{name} is not a two-dimensional image or a stack of them: choose a radiograph.")
    check_size(name, size[dimensions[0]], size[dimensions[1]])
    frames = size[dimensions[2]] if len(dimensions) == 3 else 1
    if frames * size[dimensions[0]] * size[dimensions[1]] * channels > 4 * LARGEST_PIXELS:
        raise InputError(f"{name} is too large: export the frame you need as an image of its own.")
    check_frame(name, frame_index, frames)


def _frame(
    image: object, dimensions: list[int], frame_index: int
) -> tuple[NDArray[np.generic], tuple[float, float] | None]:
    """(rows, columns[, channels]) and the spacing (row, column), None where the file has the default 1 mm."""
    import SimpleITK as sitk

    spacing = image.GetSpacing()
    channels = image.GetNumberOfComponentsPerPixel()
    lengths = [image.GetSize()[axis] for axis in dimensions]
    pixels = sitk.GetArrayFromImage(image).reshape([*lengths[::-1], *([channels] if channels > 1 else [])])
    if len(dimensions) == 3:
        pixels = pixels[frame_index]
    pair = (float(spacing[dimensions[1]]), float(spacing[dimensions[0]]))
    return pixels, None if pair == (1.0, 1.0) or min(pair) <= 0 else pair


def _check_self_contained(path: Path, kind: str) -> None:
    """Headers that name another file could make the reader open any file of this computer."""
    if kind == "nifti":
        return
    with path.open("rb") as file:
        header = file.read(16384)
    if kind == "nrrd":
        outside = any(
            line.lower().startswith((b"data file:", b"datafile:")) for line in header.split(b"\n\n")[0].split(b"\n")
        )
    else:
        outside = not any(b"LOCAL" in line for line in header.splitlines() if line.startswith(b"ElementDataFile"))
    if outside:
        raise InputError(f"{path.name} keeps its pixels in another file: save it as one .nrrd or .mha file.")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"
