"""PolyData in VTK's legacy format (``.vtk``), versions 2 to 5, text and binary.

https://docs.vtk.org/en/latest/design_documents/VTKFileFormats.html
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.mesh.polygons import Parsed, frame_named_in, strip_triangles, triangulate

_DTYPES = {
    "float": ">f4",
    "double": ">f8",
    "int": ">i4",
    "unsigned_int": ">u4",
    "long": ">i8",
    "vtktypeint64": ">i8",
    "vtkidtype": ">i8",
}


class _Reader:
    """Lines and blocks of numbers of the file, in order."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0
        self.binary = False

    def line(self) -> list[str] | None:
        """The words of the next line that is not empty, None at the end."""
        while self._position < len(self._content):
            words = self.raw_line().decode("latin-1").split()
            if words:
                return words
        return None

    def raw_line(self) -> bytes:
        """The next line, even an empty one."""
        end = self._content.find(b"\n", self._position)
        end = len(self._content) if end < 0 else end
        line = self._content[self._position : end]
        self._position = end + 1
        return line

    def at(self, word: bytes) -> bool:
        """Whether the next line starts with this word."""
        return self._content.startswith(word, self._position)

    def numbers(self, count: int, vtk_type: str) -> NDArray[np.generic]:
        """The next ``count`` numbers."""
        dtype = np.dtype(_DTYPES[vtk_type.lower()])
        if count < 0 or count > len(self._content):
            raise ValueError("impossible count")
        if self.binary:
            block = np.frombuffer(self._content, dtype, count, self._position)
            self._position += count * dtype.itemsize
            return block
        words: list[bytes] = []
        while len(words) < count and self._position < len(self._content):
            words += self.raw_line().split()
        if len(words) != count:
            raise ValueError("numbers are missing")
        return np.array(words).astype(dtype.newbyteorder("="))


def parse_vtk(content: bytes) -> Parsed:
    """Points and triangles of a legacy PolyData file; its scalars are not read."""
    reader = _Reader(content)
    if not reader.raw_line().startswith(b"# vtk DataFile"):
        raise ValueError("no legacy VTK file")
    frame = frame_named_in(reader.raw_line())
    reader.binary = reader.line() == ["BINARY"]
    if reader.line() != ["DATASET", "POLYDATA"]:
        raise ValueError("no PolyData")
    points = np.empty((0, 3))
    triangles = [np.empty((0, 3), np.int64)]
    while (words := reader.line()) is not None and words[0] not in ("POINT_DATA", "CELL_DATA"):
        if words[0] == "POINTS":
            points = reader.numbers(3 * int(words[1]), words[2]).astype(np.float64).reshape(-1, 3)
        elif words[0] == "METADATA":
            while reader.raw_line().strip():
                continue
        elif words[0] in ("POLYGONS", "TRIANGLE_STRIPS", "LINES", "VERTICES"):
            cells = _cells(reader, int(words[1]), int(words[2]))
            if words[0] == "POLYGONS":
                triangles.append(triangulate(cells))
            elif words[0] == "TRIANGLE_STRIPS":
                triangles += [strip_triangles(strip) for strip in cells if len(strip) >= 3]
    return points, np.concatenate(triangles), frame


def _cells(reader: _Reader, first: int, second: int) -> list[NDArray[np.int64]]:
    """Corner numbers per cell. Version 5 stores offsets and connectivity, older ones counts before corners."""
    if reader.at(b"OFFSETS"):
        words = reader.line() or []
        offsets = reader.numbers(first, words[1]).astype(np.int64)
        connectivity_words = reader.line()
        if not connectivity_words or connectivity_words[0] != "CONNECTIVITY":
            raise ValueError("connectivity is missing")
        corners = reader.numbers(second, connectivity_words[1]).astype(np.int64)
        return np.split(corners, offsets[1:-1])
    numbers = reader.numbers(second, "int").astype(np.int64)
    cells, position = [], 0
    for _ in range(first):
        length = int(numbers[position])
        if length < 0 or position + 1 + length > len(numbers):
            raise ValueError("a cell is cut off")
        cells.append(numbers[position + 1 : position + 1 + length])
        position += 1 + length
    return cells
