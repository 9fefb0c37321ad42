"""Stored pixel values of one frame of a DICOM image, decoded without trusting the header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.geometry.dicom_frame_tags import FrameTags
from XRayLib.radiograph.codestream import codestream_size, with_valid_scan_header
from XRayLib.radiograph.dicom_object import file_meta_text, silenced
from XRayLib.radiograph.grey_values import grey_values
from XRayLib.radiograph.pixel_checks import check_frame, check_size

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from pydicom.uid import UID

PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
"""Float Pixel Data, Double Float Pixel Data, Pixel Data."""
VIDEO_SYNTAXES = ("1.2.840.10008.1.2.4.10", "1.2.840.10008.1.2.7.")


@dataclass(frozen=True)
class StoredPixels:
    """``values``: (rows, columns) as stored. ``highest``: the largest value that the format can hold. ``field``: False
    where annotated in colour, None when nowhere. ``notes``: sentences."""

    values: NDArray[np.generic]
    highest: float
    field: NDArray[np.bool_] | None
    notes: tuple[str, ...]


def stored_pixels(dataset: Dataset, name: str, frame_index: int) -> StoredPixels:
    """Decode one frame.

    Raises
    ------
    InputError
        When the frame does not exist, is too large, in colour, or its data contradict the header. Decoders may raise
        nearly anything else on malformed data.
    MissingDependencyError
        When no decoder for its compression is installed.
    """
    check_frame(name, frame_index, max(1, int(FrameTags(dataset).number("NumberOfFrames") or 1)))
    tags = FrameTags(dataset, frame_index)
    columns, rows = (int(tags.number(keyword) or 0) for keyword in ("Columns", "Rows"))
    check_size(name, columns, rows)
    if min(int(tags.number("BitsAllocated") or 0), 64) == 12:
        raise InputError(f"{name} uses the retired packed 12-bit format: export it again with 16 bits allocated.")
    with silenced():
        described, index = _described_pixels(dataset, name, frame_index, (columns, rows))
        shift, notes = _high_bit_shift(tags, described)
        values = _decoded(described, name, index, shift)
    values, field = grey_values(values, name)
    if values.shape != (rows, columns):
        raise InputError(f"{name} is damaged: its pixels contradict its header. Export it again.")
    stored_bits = int(tags.number("BitsStored") or tags.number("BitsAllocated") or 16)
    signed = int(tags.number("PixelRepresentation") or 0) == 1
    return StoredPixels(values, float(2 ** (stored_bits - signed) - 1), field, notes)


def _described_pixels(dataset: Dataset, name: str, frame_index: int, size_px: tuple[int, int]) -> tuple[Dataset, int]:
    """A dataset with only what describes the pixels, and the frame's index in it. A compressed frame is checked and
    put there alone."""
    from pydicom.dataset import Dataset as NewDataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import encapsulate, get_frame

    described = NewDataset()
    described.file_meta = FileMetaDataset()
    described.file_meta.TransferSyntaxUID = syntax = _transfer_syntax(dataset)
    if syntax.startswith(VIDEO_SYNTAXES):
        raise InputError(f"{name} is stored as video: export the frame you need as an uncompressed image.")
    for element in _pixel_elements(dataset):
        described.add(element)
    if not syntax.is_encapsulated:
        _check_length(described, name)
        return described, frame_index
    offsets = [dataset.get(keyword) for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")]
    frame = get_frame(
        described.PixelData,
        frame_index,
        number_of_frames=max(1, int(FrameTags(dataset).number("NumberOfFrames") or 1)),
        extended_offsets=(offsets[0], offsets[1]) if all(offsets) else None,
    )
    claimed = codestream_size(frame)
    if claimed and (claimed[:2] != size_px or claimed.components not in (1, 3)):
        raise InputError(f"{name} is damaged: its compressed pixels contradict its header. Export it again.")
    described.NumberOfFrames = 1
    described.PixelData = encapsulate([with_valid_scan_header(frame)])
    return described, 0


def _check_length(dataset: Dataset, name: str) -> None:
    """Refuse native data for twice the described pixels or more: a description that wrong gives nonsense. Too few are
    refused by the decoder."""
    tags = FrameTags(dataset)
    numbers = [tags.number(k) for k in ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames")]
    bits = float(np.prod([1.0 if number is None else max(number, 1.0) for number in numbers]))
    if "PixelData" in dataset and len(dataset.PixelData) >= max(2 * bits / 8, 64):
        raise InputError(f"{name} is damaged: it holds more pixels than its header describes. Export it again.")


def _transfer_syntax(dataset: Dataset) -> UID:
    """The stated transfer syntax; where it is missing or private, what the dataset was read as."""
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    syntax = UID(file_meta_text(dataset, "TransferSyntaxUID"))
    if syntax.is_transfer_syntax and not syntax.is_private:
        return syntax
    implicit, little_endian = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRBigEndian if little_endian is False else ExplicitVRLittleEndian


def _pixel_elements(dataset: Dataset) -> Iterator[DataElement]:
    """The elements of the image pixel module; malformed ones are left out, the decoder says if it needs them."""
    for tag in list(dataset.keys()):
        if tag.group == 0x0028 or tag in PIXEL_TAGS:
            try:
                yield dataset[tag]
            except Exception:  # converting a malformed raw value may raise nearly anything
                continue


def _high_bit_shift(tags: FrameTags, dataset: Dataset) -> tuple[int, tuple[str, ...]]:
    """How far native values lie above bit 0 in their cells; a High Bit that cannot be is ignored, and said."""
    allocated, stored, high = (tags.number(keyword) for keyword in ("BitsAllocated", "BitsStored", "HighBit"))
    if allocated is None or stored is None or high is None or high == stored - 1:
        return 0, ()
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated or not stored - 1 < high < allocated:
        return 0, ("Its High Bit contradicts its Bits Stored and was ignored.",)
    return int(high - stored + 1), ()


def _decoded(dataset: Dataset, name: str, index: int, shift: int) -> NDArray[np.generic]:
    from pydicom.pixels import apply_color_lut, get_decoder, pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        raise MissingDependencyError(
            f"{name} is compressed as {syntax.name}, for which no decoder is installed: export it uncompressed."
        )
    values = pixel_array(dataset, index=index, **({"correct_unused_bits": False} if shift else {}))
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return apply_color_lut(values, dataset)
    return _shifted(values, shift, int(dataset.BitsStored)) if shift else values


def _shifted(values: NDArray[np.generic], shift: int, stored_bits: int) -> NDArray[np.generic]:
    """Values moved to bit 0, bits above them (old-style overlays) dropped, the sign kept."""
    bits = 8 * values.dtype.itemsize
    up = bits - stored_bits - shift
    return (values << up) >> (bits - stored_bits)
