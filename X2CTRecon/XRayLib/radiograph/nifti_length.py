"""Whether a NIfTI file holds all the voxels its header describes: readers fill up what is missing with zeros."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

BLOCK_BYTES = 1 << 20


def is_complete(path: Path) -> bool:
    """True when the file, uncompressed if need be, is as long as its header says (NIfTI-1 and NIfTI-2)."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if compressed else path.open("rb") as file:
            head = file.read(544)
            missing = described_bytes(head) - len(head)
            while missing > 0 and (block := file.read(min(missing, BLOCK_BYTES))):
                missing -= len(block)
    except (EOFError, OSError, zlib.error, struct.error):
        return False
    return missing <= 0


def described_bytes(head: bytes) -> int:
    """Offset and length of the voxel data together, from the first bytes of a file."""
    order = "<" if head[:4] in (struct.pack("<i", 348), struct.pack("<i", 540)) else ">"
    if struct.unpack_from(f"{order}i", head)[0] == 540:
        (bits,) = struct.unpack_from(f"{order}h", head, 14)
        dimensions = struct.unpack_from(f"{order}8q", head, 16)
        offset = struct.unpack_from(f"{order}q", head, 168)[0]
    else:
        dimensions = struct.unpack_from(f"{order}8h", head, 40)
        (bits,) = struct.unpack_from(f"{order}h", head, 72)
        offset = int(struct.unpack_from(f"{order}f", head, 108)[0])
    lengths = dimensions[1 : 1 + max(0, min(dimensions[0], 7))]
    return offset + math.prod(max(length, 1) for length in lengths) * bits // 8
