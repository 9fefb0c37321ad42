"""What a file is, by its first bytes; names and suffixes lie."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from XRayLib.errors import InputError

HEAD_BYTES = 512
REFUSED_MAGIC = {
    b"\x93NUMPY": "a NumPy array",
    b"PK\x03\x04": "a zip archive",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF document",
    b"GIF8": "a GIF picture",
    b"RIFF": "a sound, video or WebP file",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"<": "a web page or XML document",
    b"{": "a JSON document",
}
"""Of these only the name is told: in particular nothing is ever unpickled."""
WANTED = "choose a DICOM, PNG, JPEG, TIFF, NRRD, NIfTI or MetaImage radiograph"
DICOM_SUFFIXES = ("", ".dcm", ".dicom", ".dic", ".ima", ".img")


def file_kind(path: Path) -> str:
    """ "dicom", "png", "jpeg", "tiff", "bmp", "nrrd", "nifti" or "metaimage".

    Raises
    ------
    InputError
        When the file is missing, a folder, empty, unreadable or something else.
    """
    head = _head(path)
    found = _by_magic(head)
    if found:
        return found
    if head[:2] == b"\x1f\x8b":
        head = _unzipped_head(path)
        found = _by_magic(head)
        if found in ("nifti", "nrrd"):
            return found
    for magic, words in REFUSED_MAGIC.items():
        if head.lstrip().startswith(magic):
            raise InputError(f"{path.name} is {words}, not a radiograph: {WANTED}.")
    if _looks_pickled(head):
        raise InputError(f"{path.name} is a Python pickle, which is never opened: {WANTED}.")
    if path.suffix.lower() in DICOM_SUFFIXES:
        return "dicom"
    raise InputError(f"{path.name} is not an image of a known kind: {WANTED}.")


def _head(path: Path) -> bytes:
    if not path.exists():
        raise InputError(f"The radiograph {path.name} does not exist: check its path.")
    if not path.is_file():
        raise InputError(f"{path.name} is a folder or device, not a file: {WANTED}.")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: check its permissions.") from error
    if not head:
        raise InputError(f"{path.name} is empty: copy it again.")
    return head


def _unzipped_head(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} is damaged: it cannot be uncompressed. Copy it again.") from error


def _by_magic(head: bytes) -> str:
    if head[128:132] == b"DICM" or _starts_with_dicom_element(head):
        return "dicom"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "tiff"
    if head.startswith(b"NRRD000"):
        return "nrrd"
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0"):
        return "nifti"
    if head.startswith((b"ObjectType", b"NDims", b"Comment =")):
        return "metaimage"
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "bmp"
    return ""


def _starts_with_dicom_element(head: bytes) -> bool:
    """A dataset without preamble: its first element is of group 2 or 8, in either byte order."""
    return (head[:2] in (b"\x02\0", b"\x08\0") and head[3:4] == b"\0") or head[:3] == b"\0\x08\0"


def _looks_pickled(head: bytes) -> bool:
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
