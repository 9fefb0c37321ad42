"""What readers of NIfTI files pass over: voxels that are missing or no numbers become zeros, an unstated place a usual
one."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from XRayLib.errors import InputError

BLOCK_BYTES = 1 << 20
HEAD_BYTES = 544
NO_NUMBERS = "{name} contains values that are not numbers (NaN or infinity)."
"""What is said of a file of any kind."""
FLOATS = {16: "f4", 64: "f8"}
"""numpy types of the data types that can hold NaN."""


class NiftiHead(NamedTuple):
    """Of a NIfTI-1 or NIfTI-2 file."""

    order: str
    offset: int
    data_bytes: int
    datatype: int
    voxel_mm: tuple[float, ...]
    is_placed: bool
    """Whether it states how its voxels lie in the patient."""


def is_nifti(path: Path) -> bool:
    """By its name."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def is_complete(path: Path) -> bool:
    """True when the file, uncompressed if need be, is as long as its header says."""
    try:
        head = read_head(path)
        return sum(len(block) for block in _data(path, head)) >= head.data_bytes
    except (EOFError, OSError, zlib.error, struct.error):
        return False


def check_numbers(path: Path, name: str = "") -> None:
    """InputError for a NIfTI file in which a voxel is NaN or infinite; ``name`` is what the user calls the file."""
    if not _holds_only_numbers(path):
        raise InputError(NO_NUMBERS.format(name=name or path.name))


def _holds_only_numbers(path: Path) -> bool:
    head = read_head(path)
    kind = FLOATS.get(head.datatype)
    if kind is None:
        return True
    size = np.dtype(kind).itemsize
    return all(
        np.isfinite(np.frombuffer(block, head.order + kind, len(block) // size)).all() for block in _data(path, head)
    )


def read_head(path: Path) -> NiftiHead:
    """The header; OSError, zlib.error or struct.error for a file that is none."""
    with _opened(path) as file:
        return parsed_head(file.read(HEAD_BYTES))


def parsed_head(head: bytes) -> NiftiHead:
    """From the first bytes of a file; struct.error when they are too few."""
    order = "<" if head[:4] in (struct.pack("<i", 348), struct.pack("<i", 540)) else ">"

    def read(format_: str, at: int) -> tuple:
        return struct.unpack_from(order + format_, head, at)

    if read("i", 0)[0] == 540:
        datatype, bits = read("2h", 12)
        dimensions, voxel_mm, offset = read("8q", 16), read("8d", 104), read("q", 168)[0]
        placed = read("2i", 344)
    else:
        dimensions, voxel_mm, offset = read("8h", 40), read("8f", 76), int(read("f", 108)[0])
        datatype, bits = read("2h", 70)
        placed = read("2h", 252)
    lengths = dimensions[1 : 1 + max(0, min(dimensions[0], 7))]
    data_bytes = math.prod(max(length, 1) for length in lengths) * bits // 8
    return NiftiHead(order, offset, data_bytes, datatype, voxel_mm[1:4], any(placed))


def _opened(path: Path) -> IO[bytes]:
    """The file's content, uncompressed."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if compressed else path.open("rb")


def _data(path: Path, head: NiftiHead) -> Iterator[bytes]:
    """The voxel data in blocks of whole voxels."""
    with _opened(path) as file:
        file.read(head.offset)
        left = head.data_bytes
        while left > 0 and (block := file.read(min(left, BLOCK_BYTES))):
            left -= len(block)
            yield block
