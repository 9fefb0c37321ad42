"""PolyData in VTK's XML format (``.vtp``): text, base64 and appended data, with or without zlib.

https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
"""

from __future__ import annotations

import base64
import re
import zlib
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from XRayLib.mesh.polygons import Parsed, strip_triangles, triangulate

LARGEST_ARRAY_BYTES = 1 << 30

_DTYPES = {"Float32": "f4", "Float64": "f8", "Int8": "i1", "UInt8": "u1", "Int16": "i2", "UInt16": "u2"}
_DTYPES |= {"Int32": "i4", "UInt32": "u4", "Int64": "i8", "UInt64": "u8", "String": "u1"}
_APPENDED = re.compile(rb"<AppendedData\s+encoding\s*=\s*[\"'](\w+)[\"']\s*>\s*_")


def parse_vtp(content: bytes) -> Parsed:
    """Points and triangles of all pieces; their scalars are not read."""
    if b"<!DOCTYPE" in content[:4096] or b"<!ENTITY" in content[:4096]:
        raise ValueError("a VTK file declares no entities")
    found = _APPENDED.search(content)
    text = content if found is None else content[: found.start()] + b"</VTKFile>"
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError("no XML") from error
    data = root.find("PolyData")
    if root.get("type") != "PolyData" or data is None:
        raise ValueError("no PolyData")
    arrays = _Arrays(root, b"" if found is None else content[found.end() :], found[1] if found else b"")
    points, triangles, first = [], [], 0
    for piece in data.findall("Piece"):
        here = arrays.read(_only(piece, "Points/DataArray")).astype(np.float64).reshape(-1, 3)
        cells = arrays.cells(piece.find("Polys"))
        strips = [strip_triangles(strip) for strip in arrays.cells(piece.find("Strips")) if len(strip) >= 3]
        triangles += [part + first for part in (triangulate(cells), *strips)]
        points.append(here)
        first += len(here)
    if not points:
        raise ValueError("no piece")
    return np.concatenate(points), np.concatenate(triangles), arrays.frame(data)


class _Arrays:
    """Reads DataArray elements of one file."""

    def __init__(self, root: ElementTree.Element, appended: bytes, encoding: bytes) -> None:
        self._order = ">" if root.get("byte_order") == "BigEndian" else "<"
        self._header = np.dtype(self._order + _DTYPES[root.get("header_type", "UInt32")])
        self._compressed = root.get("compressor") is not None
        if self._compressed and root.get("compressor") != "vtkZLibDataCompressor":
            raise ValueError("compressed by another method than zlib")
        self._appended = appended
        self._encoding = encoding

    def read(self, element: ElementTree.Element) -> NDArray[np.generic]:
        """The numbers of one DataArray."""
        dtype = np.dtype(self._order + _DTYPES[element.get("type", "")])
        kind = element.get("format")
        if kind == "ascii":
            return np.array((element.text or "").split()).astype(dtype.newbyteorder("="))
        if kind == "binary":
            return np.frombuffer(self._from_base64((element.text or "").strip().encode("ascii")), dtype)
        if kind != "appended":
            raise ValueError(f"array format {kind}")
        block = self._appended[int(element.get("offset", "0")) :]
        raw = self._from_base64(block) if self._encoding == b"base64" else self._from_raw(block)
        return np.frombuffer(raw, dtype)

    def cells(self, element: ElementTree.Element | None) -> list[NDArray[np.int64]]:
        """Corner numbers of each cell under Polys or Strips."""
        by_name = {} if element is None else {array.get("Name"): array for array in element.findall("DataArray")}
        if "connectivity" not in by_name:
            return []
        corners = self.read(by_name["connectivity"]).astype(np.int64)
        ends = self.read(by_name["offsets"]).astype(np.int64)
        return np.split(corners, ends[:-1]) if len(ends) else []

    def frame(self, data: ElementTree.Element) -> str:
        """The frame in the field "SPACE", as Slicer writes it; empty when there is none."""
        for array in data.findall("FieldData/Array"):
            if array.get("Name") == "SPACE" and array.get("type") == "String":
                return self.read(array).tobytes().partition(b"\0")[0].decode("ascii")
        return ""

    def _from_raw(self, block: bytes) -> bytes:
        size = self._header.itemsize
        if not self._compressed:
            length = int(np.frombuffer(block, self._header, 1)[0])
            return self._exactly(block[size : size + length], length)
        sizes = self._block_sizes(block)
        start = (3 + len(sizes)) * size
        return self._inflate(block[start : start + int(sizes.sum())], sizes)

    def _from_base64(self, block: bytes) -> bytes:
        """Header and data are encoded one after the other when compressed, together when not."""
        size = self._header.itemsize
        if not self._compressed:
            length = int(np.frombuffer(_decode(block, size), self._header, 1)[0])
            return self._exactly(_decode(block, size + length)[size:], length)
        blocks = int(np.frombuffer(_decode(block, size), self._header, 1)[0])
        header_bytes = (3 + blocks) * size
        sizes = self._block_sizes(_decode(block, header_bytes))
        return self._inflate(_decode(block[_encoded(header_bytes) :], int(sizes.sum())), sizes)

    def _block_sizes(self, block: bytes) -> NDArray[np.generic]:
        blocks = int(np.frombuffer(block, self._header, 1)[0])
        if blocks * self._header.itemsize > len(block):
            raise ValueError("more blocks than data")
        return np.frombuffer(block, self._header, blocks, 3 * self._header.itemsize)

    def _inflate(self, data: bytes, sizes: NDArray[np.generic]) -> bytes:
        pieces, position, left = [], 0, LARGEST_ARRAY_BYTES
        for size in sizes.tolist():
            stream = zlib.decompressobj()
            try:
                pieces.append(stream.decompress(data[position : position + size], left))
            except zlib.error as error:
                raise ValueError("damaged compression") from error
            left -= len(pieces[-1])
            if left <= 0:
                raise ValueError("too much data")
            position += size
        return b"".join(pieces)

    def _exactly(self, data: bytes, length: int) -> bytes:
        if len(data) != length:
            raise ValueError("data is cut off")
        return data


def _encoded(count: int) -> int:
    return 4 * -(-count // 3)


def _decode(block: bytes, count: int) -> bytes:
    if count > LARGEST_ARRAY_BYTES:
        raise ValueError("too much data")
    decoded = base64.b64decode(block[: _encoded(count)])[:count]
    if len(decoded) != count:
        raise ValueError("data is cut off")
    return decoded


def _only(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise ValueError(f"no {path}")
    return found
