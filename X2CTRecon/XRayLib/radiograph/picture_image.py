"""Radiographs from pictures: PNG, JPEG, BMP and TIFF."""

from __future__ import annotations

import logging
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.radiograph.decoded_image import DecodedImage
from XRayLib.radiograph.grey_values import grey_values
from XRayLib.radiograph.pixel_checks import check_frame, check_size

if TYPE_CHECKING:
    from PIL.Image import Image

WIDE_GREY_MODES = ("L", "I;16", "I;16B", "I;16L", "I", "F", "LA", "RGB", "RGBA")
"""Pillow modes whose array holds the stored values; others (palette, CMYK, 1 bit) are converted to RGB first."""
MIN_IS_WHITE = 0


def read_picture(path: Path, kind: str, frame_index: int = 0) -> DecodedImage:
    """One picture of the file, stored values, turned as its EXIF orientation says.

    Parameters
    ----------
    path : Path
    kind : "png", "jpeg", "bmp" or "tiff"
    frame_index : int
        The page of a TIFF, from 0.

    Raises
    ------
    InputError
        When it is in colour, too large, or has no such page. Decoders may raise nearly anything else on malformed data.
    """
    from PIL.Image import DecompressionBombError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels = _tiff_page(path, frame_index) if kind == "tiff" else None
        if pixels is None:
            try:
                pixels = _with_pillow(path, frame_index)
            except DecompressionBombError as error:
                # Raised above 179 million pixels, from the header.
                raise InputError(f"{path.name} claims more pixels than any radiograph has: reduce it.") from error
    grey, field = grey_values(pixels, path.name)
    return DecodedImage(grey, field=field)


def _with_pillow(path: Path, frame_index: int) -> NDArray[np.generic]:
    from PIL import Image, ImageOps

    bit_depth, colour_type = _png_depth(path)
    with Image.open(path, formats=("PNG", "JPEG", "BMP", "TIFF", "MPO")) as picture:
        check_size(path.name, *picture.size)
        # A phone's JPEG may carry a small second picture: only a TIFF has pages.
        check_frame(path.name, frame_index, getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1)
        if frame_index:
            picture.seek(frame_index)
            check_size(path.name, *picture.size)
        if bit_depth == 16 and colour_type in (2, 4, 6):
            picture.load()  # Pillow decodes strictly; what it keeps of 16-bit colour is only 8 bit.
            return _deep_png(path)
        turned = ImageOps.exif_transpose(picture)
        return _array(turned)


def _array(picture: Image) -> NDArray[np.generic]:
    if picture.mode not in WIDE_GREY_MODES:
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return np.asarray(picture)


def _png_depth(path: Path) -> tuple[int, int]:
    """(bit depth, colour type) of a PNG, (0, 0) of another file."""
    with path.open("rb") as file:
        head = file.read(26)
    return struct.unpack_from("BB", head, 24) if head.startswith(b"\x89PNG") and len(head) == 26 else (0, 0)


def _deep_png(path: Path) -> NDArray[np.generic]:
    import cv2

    pixels = cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise InputError(f"{path.name} is damaged: it cannot be decoded. Copy or export it again.")
    return pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


def _tiff_page(path: Path, frame_index: int) -> NDArray[np.generic] | None:
    """One page with all its bits, 0 black; None when its compression is left to Pillow."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with tifffile.TiffFile(path) as file:
        check_frame(path.name, frame_index, len(file.pages))
        page = file.pages[frame_index]
        check_size(path.name, page.imagewidth, page.imagelength)
        if page.imagedepth != 1 or page.samplesperpixel > 4:
            raise InputError(f"{path.name} is not one two-dimensional grey image: export it again.")
        _check_strips(path, page)
        try:
            pixels = page.asarray()
        except (ValueError, NotImplementedError, ImportError):
            return None
        if page.planarconfig == 2 and pixels.ndim == 3:
            pixels = np.moveaxis(pixels, 0, -1)
        if pixels.dtype == bool:
            pixels = pixels.astype(np.uint8)
        if page.photometric == MIN_IS_WHITE and pixels.dtype.kind in "ui":
            pixels = ~pixels
        return pixels


def _check_strips(path: Path, page: object) -> None:
    """A truncated TIFF would be filled up with zeros."""
    size = path.stat().st_size
    if any(offset + count > size for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise InputError(f"{path.name} is damaged: part of its pixels is missing. Copy it again.")
