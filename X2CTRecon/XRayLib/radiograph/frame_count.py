"""How many X-rays a file holds: frames of a DICOM run, pages of a TIFF, images of a stack."""

from __future__ import annotations

from pathlib import Path

from XRayLib.errors import InputError, XRay3DError
from XRayLib.radiograph.dicom_object import read_dataset, silenced
from XRayLib.radiograph.file_kind import file_kind


def frame_count(path: str | Path) -> int:
    """Number of values that ``frame_index`` of `load_radiograph` can take; looks at headers only where it can.

    Raises
    ------
    InputError
        When the file is none that a radiograph comes in.
    """
    path = Path(path)
    kind = file_kind(path)
    try:
        with silenced():
            return max(1, _count(path, kind))
    except (XRay3DError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # readers raise nearly anything on damaged files
        raise InputError(f"{path.name} is damaged: its frames cannot be counted. Copy or export it again.") from error


def _count(path: Path, kind: str) -> int:
    if kind == "dicom":
        from XRayLib.geometry.dicom_frame_tags import FrameTags

        return int(FrameTags(read_dataset(path)).number("NumberOfFrames") or 1)
    if kind == "tiff":
        from PIL import Image

        with Image.open(path) as picture:
            return int(getattr(picture, "n_frames", 1))
    if kind in ("nrrd", "nifti", "metaimage"):
        import SimpleITK as sitk

        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        size = [length for length in reader.GetSize() if length != 1]
        return int(size[2]) if len(size) == 3 else 1
    return 1
