"""The header inside a compressed DICOM frame: checked before decoding, repaired where a known writer got it wrong."""

from __future__ import annotations

import struct
from typing import NamedTuple

JPEG_FRAME_MARKERS = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7)
"""Start of frame of every JPEG process, and of JPEG-LS (F7)."""
STANDALONE_MARKERS = (0x01, *range(0xD0, 0xDA))
START_OF_SCAN = 0xDA
SEQUENTIAL_DCT_MARKERS = (0xC0, 0xC1)
JPEG_2000 = b"\xff\x4f\xff\x51"


class CodestreamSize(NamedTuple):
    """What the compressed frame says of itself."""

    columns: int
    rows: int
    components: int


def codestream_size(frame: bytes) -> CodestreamSize | None:
    """Size from the header of a JPEG, JPEG-LS or JPEG 2000 codestream; None when there is no such header."""
    start = frame.find(JPEG_2000, 0, 4096)
    if start >= 0:
        if len(frame) < start + 42:
            return None
        x1, y1, x0, y0 = struct.unpack_from(">4I", frame, start + 8)
        return CodestreamSize(x1 - x0, y1 - y0, struct.unpack_from(">H", frame, start + 40)[0])
    for marker, position, length in _jpeg_segments(frame):
        if marker in JPEG_FRAME_MARKERS and length >= 8:
            rows, columns, components = struct.unpack_from(">HHB", frame, position + 5)
            return CodestreamSize(columns, rows, components)
    return None


def with_valid_scan_header(frame: bytes) -> bytes:
    """The JPEG frame with the spectral selection that a sequential scan must have.

    ISO 10918-1 table B.3 wants 0..63 and no successive approximation; an old, widespread writer put 0..0, and
    decoders refuse its 12-bit images.
    """
    sequential = False
    for marker, position, length in _jpeg_segments(frame):
        sequential |= marker in SEQUENTIAL_DCT_MARKERS
        if marker == START_OF_SCAN:
            end = position + 2 + length
            if sequential and length >= 6 and frame[end - 3 : end] != b"\x00\x3f\x00":
                return frame[: end - 3] + b"\x00\x3f\x00" + frame[end:]
            return frame
    return frame


def _jpeg_segments(frame: bytes) -> list[tuple[int, int, int]]:
    """(marker, position of its FF byte, segment length) up to and with the first scan."""
    segments: list[tuple[int, int, int]] = []
    position = 2
    while position + 4 <= len(frame) and frame[:2] == b"\xff\xd8" and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == 0xFF or marker in STANDALONE_MARKERS:
            position += 1 if marker == 0xFF else 2
            continue
        length = struct.unpack_from(">H", frame, position + 2)[0]
        if length < 2 or position + 2 + length > len(frame):
            break
        segments.append((marker, position, length))
        if marker == START_OF_SCAN:
            break
        position += 2 + length
    return segments
