"""Which DICOM objects are radiographs, and how one is read without trusting it."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from XRayLib.errors import InputError
from XRayLib.geometry.dicom_frame_tags import FrameTags

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

XRAY_MODALITIES = ("CR", "DX", "DR", "RG", "XA", "RF", "XRF", "MG", "IO", "PX", "RTIMAGE")
UNSPECIFIC_MODALITIES = ("", "OT", "SC", "XC")
"""Secondary captures and objects that do not say: accepted, and said."""
STORAGE = "1.2.840.10008.5.1.4.1.1."
XRAY_STORAGE = tuple(STORAGE + tail for tail in ("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"))
XRAY_STORAGE += tuple(STORAGE + tail for tail in ("12.1", "12.1.1", "12.2", "12.2.1", "12.3", "481.1"))
XRAY_STORAGE += tuple(STORAGE + tail for tail in ("7", "7.1", "7.2", "7.3", "7.4"))
LARGEST_FILE_BYTES = 2 << 30
LARGEST_INFLATED_BYTES = 1 << 30
DEFLATED = "1.2.840.10008.1.2.1.99"


def read_dataset(path: Path) -> Dataset:
    """The dataset of a DICOM file, with or without preamble.

    Raises
    ------
    InputError
        When it is too large or no DICOM. A malformed file may raise nearly anything else.
    """
    import pydicom

    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise InputError(f"{path.name} is larger than 2 GiB: export the frame you need as a file of its own.")
    with silenced():
        _check_inflated_size(path)
        dataset = pydicom.dcmread(path, force=True)
    if not any(keyword in dataset for keyword in ("SOPClassUID", "Modality", "Rows")):
        raise InputError(f"{path.name} is not a DICOM image, or its content was lost: choose another file.")
    return dataset


@contextmanager
def silenced() -> Iterator[None]:
    """pydicom's warnings quote header values, patient names among them: they must not reach the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_is_radiograph(dataset: Dataset, name: str) -> str:
    """The modality; InputError when the object is no radiograph or holds no image."""
    tags = FrameTags(dataset)
    modality = tags.text("Modality")
    if modality not in (*XRAY_MODALITIES, *UNSPECIFIC_MODALITIES):
        advice = "choose it as the pre-operative CT instead" if modality == "CT" else "choose a CR, DX, XA or RF image"
        raise InputError(f"{name} is of modality {_short(modality)}, not a radiograph: {advice}.")
    storage = _storage_name(dataset)
    if storage:
        raise InputError(
            f"{name} is a DICOM object of class {storage}, not a radiograph: choose a CR, DX, XA or RF image."
        )
    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        if "EncryptedAttributesSequence" in dataset:
            raise InputError(f"{name} is encrypted: export it without encryption.")
        raise InputError(f"{name} holds no image: choose a CR, DX, XA or RF image.")
    return modality


def _storage_name(dataset: Dataset) -> str:
    """The name of the object's class when it is a known one other than an X-ray image, else empty."""
    from pydicom.uid import UID

    uid = FrameTags(dataset).text("SOPClassUID") or file_meta_text(dataset, "MediaStorageSOPClassUID")
    known = UID(uid).name if uid.startswith("1.2.840.10008.") and uid not in XRAY_STORAGE else uid
    return known if known != uid else ""


def file_meta_text(dataset: Dataset, keyword: str) -> str:
    """A value of the file meta information as text, empty when absent or malformed."""
    meta = getattr(dataset, "file_meta", None)
    return "" if meta is None else FrameTags(meta).text(keyword)


def _check_inflated_size(path: Path) -> None:
    """Refuse a deflated dataset that would fill the memory."""
    from pydicom.filereader import read_dataset as read_elements

    with path.open("rb") as file:
        if file.read(132)[128:] != b"DICM":
            file.seek(0)
        meta = read_elements(file, False, True, stop_when=_behind_file_meta)
        if meta.get("TransferSyntaxUID") != DEFLATED:
            return
        inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while block := file.read(1 << 16):
            while block:
                total += len(inflater.decompress(block, 1 << 22))
                block = inflater.unconsumed_tail
                if total > LARGEST_INFLATED_BYTES:
                    raise InputError(f"{path.name} inflates to more than 1 GiB: it is damaged or no radiograph.")


def _behind_file_meta(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001
    return tag.group != 2


def _short(text: str) -> str:
    return text if text.isalnum() and len(text) <= 16 else "unknown"
