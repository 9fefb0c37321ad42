"""A surface mesh into a file, in RAS and saying so."""

from __future__ import annotations

import base64
import xml.sax.saxutils
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.mesh.surface_graph import triangle_normals
from XRayLib.whole_file import whole_file

_NUMBERS = {"f4": "Float32", "f8": "Float64", "i8": "Int64"}


def save_mesh(mesh: SurfaceMesh, path: str | Path) -> None:
    """Write ``.vtp`` (with the scalars) or binary ``.stl`` (single precision).

    Points stay in RAS mm; the file names that frame the way Slicer reads it. An existing file is replaced only once all
    is written.
    """
    path = Path(path)
    write = {".vtp": _vtp, ".stl": _stl}.get(path.suffix.lower())
    if write is None:
        raise InputError(f"{path.name}: a mesh is written as .vtp or .stl.")
    try:
        with whole_file(path) as unfinished:
            unfinished.write_bytes(write(mesh))
    except OSError as error:
        raise InputError(f"{path.name} cannot be written: check that the folder exists and has room.") from error


def _vtp(mesh: SurfaceMesh) -> bytes:
    points, triangles = np.asarray(mesh.points, "<f8"), np.asarray(mesh.triangles, "<i8")
    scalars = "".join(_array(name, np.asarray(values, "<f8")) for name, values in mesh.scalars.items())
    offsets = np.arange(3, 3 * len(triangles) + 1, 3, dtype="<i8")
    space = " ".join(str(code) for code in b"RAS\0")
    return (
        '<?xml version="1.0"?>\n'
        '<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64"><PolyData>\n'
        f'<FieldData><Array type="String" Name="SPACE" NumberOfTuples="1" format="ascii">{space}</Array></FieldData>\n'
        f'<Piece NumberOfPoints="{len(points)}" NumberOfPolys="{len(triangles)}">\n'
        f"<PointData>{scalars}</PointData>\n"
        f"<Points>{_array('Points', points, 3)}</Points>\n"
        f"<Polys>{_array('connectivity', triangles.ravel())}{_array('offsets', offsets)}</Polys>\n"
        "</Piece></PolyData></VTKFile>\n"
    ).encode()


def _array(name: str, values: NDArray[np.generic], components: int = 1) -> str:
    escaped = xml.sax.saxutils.quoteattr(name)  # also ">", at which VTK looks for the end of the tag
    data = values.tobytes()
    text = base64.b64encode(len(data).to_bytes(8, "little") + data).decode("ascii")
    kind = _NUMBERS[values.dtype.str[1:]]
    head = f'type="{kind}" Name={escaped} NumberOfComponents="{components}" format="binary"'
    return f"<DataArray {head}>{text}</DataArray>\n"


def _stl(mesh: SurfaceMesh) -> bytes:
    corners = np.asarray(mesh.points, np.float32)[np.asarray(mesh.triangles)]
    record = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    normals = triangle_normals(corners)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    record["normal"] = normals / np.where(lengths == 0, 1, lengths)
    record["corners"] = corners
    return b"XRay3D SPACE=RAS".ljust(80) + len(corners).to_bytes(4, "little") + record.tobytes()
