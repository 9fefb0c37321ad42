"""A surface mesh from a file, in RAS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.mesh.polygons import Parsed
from XRayLib.mesh.stl_and_obj import parse_obj, parse_stl
from XRayLib.mesh.vtk_legacy import parse_vtk
from XRayLib.mesh.vtk_xml import parse_vtp

LARGEST_FILE_BYTES = 1 << 30

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    ".vtp": parse_vtp,
    ".vtk": parse_vtk,
    ".stl": parse_stl,
    ".obj": parse_obj,
}


def load_mesh(path: str | Path) -> SurfaceMesh:
    """A triangle surface from VTK (``.vtp``, ``.vtk``), STL or OBJ; polygons and strips become triangles.

    The frame is the one the file names, as Slicer writes it ("SPACE=RAS"); a file that names none holds LPS, which is
    also how Slicer reads it. Points that no triangle uses are dropped, equal corners of an STL are joined.

    Raises
    ------
    InputError
        When the file is missing, of another kind, damaged, or holds no surface.
    """
    path = Path(path)
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise InputError(f"{path.name} is no surface that can be read: choose one of {', '.join(_PARSERS)}.")
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.name} is too large for a surface mesh.")
        points, triangles, frame = parse(path.read_bytes())
    except OSError as error:
        raise InputError(f"The mesh {path.name} cannot be read: check its path.") from error
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError) as error:
        raise InputError(f"The mesh {path.name} is damaged or of another kind.") from error
    if not len(triangles) or not np.isfinite(points).all():
        raise InputError(f"The mesh {path.name} holds no surface.")
    if triangles.min() < 0 or triangles.max() >= len(points):
        raise InputError(f"The mesh {path.name} is damaged: a triangle names a point that does not exist.")
    used, renumbered = np.unique(triangles, return_inverse=True)
    points = points[used] if frame == "RAS" else points[used] * _LPS_TO_RAS
    triangles = renumbered.reshape(-1, 3).astype(np.int64)
    # Mirroring two axes is a rotation: the triangles keep their orientation.
    return SurfaceMesh(points, triangles)
