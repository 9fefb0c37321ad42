"""One way in for every radiograph: a file of any kind, or an array."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError, OutOfMemoryError, XRay3DError
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph.decoded_image import DecodedImage
from XRayLib.radiograph.file_kind import file_kind
from XRayLib.radiograph.geometry_choice import StatedGeometry, choose_geometry, stated_geometry
from XRayLib.radiograph.grey_values import grey_values
from XRayLib.radiograph.intensity import to_line_integral
from XRayLib.radiograph.pixel_checks import check_frame
from XRayLib.radiograph.radiograph import Radiograph

SMALL_FILE_BYTES = 64 << 20
"""A file below this that does not fit into memory claims lengths that it does not have."""


def load_radiograph(
    path: str | Path,
    geometry: XRayGeometry | str | Path | None = None,
    *,
    frame_index: int = 0,
    intensity: str = "auto",
    view: str = "",
) -> Radiograph:
    """Load a DICOM, PNG, JPEG, TIFF, BMP, NRRD, NIfTI or MetaImage file, told apart by content.

    Parameters
    ----------
    path : str or Path
    geometry : XRayGeometry, str, Path or None
        An object, a geometry file, or one of the words pa, ap, ll, rl. None: from ``*.geometry.json`` beside the image,
        else from DICOM tags, else an assumed film geometry of the view recognised in the image.
    frame_index : int
        Of a multi-frame DICOM, multi-page TIFF or stack, from 0.
    intensity : str
        ``auto`` or what the values are (see `to_line_integral`), over what the file says.
    view : str
        "PA", "AP", "LL" or "RL" when known and the file does not tell.

    Returns
    -------
    Radiograph
        At full resolution; what was assumed is in ``assumptions``.

    Raises
    ------
    InputError
        In one sentence what is wrong with the file and what to do. Nothing else is raised for a bad file.
    MissingDependencyError
        When no decoder for its compression is installed.
    OutOfMemoryError
        When a large image does not fit into memory.
    """
    path = Path(path)
    kind = file_kind(path)
    stated = stated_geometry(geometry, view, path)
    if kind == "dicom" and not geometry and stated.file is not None:  # written for another image of that name
        stated = stated._replace(file=replace(stated.file, intensity=None, scale=None))
    try:
        decoded = _decoded(path, kind, frame_index)
        return _radiograph(
            decoded,
            stated,
            intensity,
            name=path.name,
            source=_source(kind, frame_index),
            frame_index=frame_index,
        )
    except MemoryError as error:
        raise OutOfMemoryError(f"{path.name} does not fit into memory: close other programs or reduce it.") from error


def radiograph_from_array(
    pixels: NDArray[np.generic],
    geometry: XRayGeometry | str | Path | None = None,
    *,
    frame_index: int = 0,
    intensity: str = "auto",
    view: str = "",
    pixel_spacing_mm: tuple[float, float] | None = None,
    field: NDArray[np.bool_] | None = None,
    source: str = "array",
) -> Radiograph:
    """A radiograph from the array of a volume or sequence node, with the same judgement as of a file.

    Parameters
    ----------
    pixels : (rows, columns), (frames, rows, columns), or either with 3 or 4 colour channels last
    geometry, frame_index, intensity, view
        As for `load_radiograph`.
    pixel_spacing_mm : (row, column) on the detector, for an assumed geometry
    field : (rows, columns) bool or None
        Where the detector was exposed, when known.
    source : str
        Where the image came from, in words.
    """
    pixels = np.asarray(pixels)
    channels_last = pixels.ndim == 4 or (pixels.ndim == 3 and pixels.shape[-1] in (3, 4) and pixels.shape[0] > 4)
    if pixels.ndim == 3 + channels_last:
        check_frame("The image", frame_index, len(pixels))
        pixels = pixels[frame_index]
    elif pixels.ndim != 2 + channels_last:
        raise InputError(
            f"An array of {pixels.ndim} dimensions is not a radiograph: give one image or a stack of them."
        )
    grey, opaque = grey_values(pixels, "The image")
    if opaque is not None:
        field = opaque if field is None else field & opaque
    decoded = DecodedImage(grey, field=field, pixel_spacing_mm=pixel_spacing_mm)
    stated = stated_geometry(geometry, view)
    return _radiograph(decoded, stated, intensity, name="The image", source=source, frame_index=0)


def _decoded(path: Path, kind: str, frame_index: int) -> DecodedImage:
    """Decode, and tell any failure of a decoder as damage to the file."""
    try:
        return _read(path, kind, frame_index)
    except (XRay3DError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # panics of decoders written in Rust are not Exceptions
        if isinstance(error, MemoryError) and path.stat().st_size > SMALL_FILE_BYTES:
            raise
        raise InputError(f"{path.name} is damaged: it cannot be decoded. Copy or export it again.") from error


def _read(path: Path, kind: str, frame_index: int) -> DecodedImage:
    if kind == "dicom":
        from XRayLib.radiograph.dicom_image import read_dicom_image

        return read_dicom_image(path, frame_index)
    if kind in ("nrrd", "nifti", "metaimage"):
        from XRayLib.radiograph.volume_file_image import read_volume_file_image

        return read_volume_file_image(path, kind, frame_index)
    from XRayLib.radiograph.picture_image import read_picture

    return read_picture(path, kind, frame_index)


def _radiograph(
    decoded: DecodedImage,
    stated: StatedGeometry,
    intensity: str,
    *,
    name: str,
    source: str,
    frame_index: int,
) -> Radiograph:
    """Line integrals and geometry put together."""
    if stated.file is not None and stated.file.scale is not None:
        decoded = replace(decoded, pixels=decoded.pixels * np.float32(stated.file.scale))
    said = stated.file.intensity if stated.file is not None else None
    integrals = to_line_integral(
        decoded.pixels,
        intensity if intensity != "auto" else said or decoded.intensity,
        field=decoded.field,
        likely=decoded.likely,
        certainty=decoded.certainty,
        name=name,
    )
    chosen = choose_geometry(
        stated,
        integrals,
        dataset=decoded.dataset,
        frame_index=frame_index,
        pixel_spacing_mm=decoded.pixel_spacing_mm,
    )
    return Radiograph(
        integrals.image,
        chosen.geometry,
        mask=integrals.mask,
        calibrated=integrals.calibrated,
        view=chosen.view,
        source=source,
        assumptions=(*decoded.notes, *integrals.assumptions, *chosen.sentences),
    )


def _source(kind: str, frame_index: int) -> str:
    """In words, without the file's name: it may hold the patient's."""
    words = {"dicom": "DICOM", "nrrd": "NRRD", "nifti": "NIfTI", "metaimage": "MetaImage"}.get(kind, kind.upper())
    return f"{words} image, frame {frame_index + 1}" if frame_index else f"{words} image"
