"""What every mesh format needs: polygons and strips as triangles, and the frame a comment names."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Parsed = tuple[NDArray[np.float64], NDArray[np.int64], str]
"""Points (N, 3), triangles (M, 3), and the frame the file names ("RAS", "LPS" or "")."""

_SPACE = re.compile(rb"SPACE=(RAS|LPS)")


def frame_named_in(comment: bytes) -> str:
    """The frame that a header or comment names, empty when none."""
    found = _SPACE.search(comment)
    return found[1].decode() if found else ""


def fan(polygon: NDArray[np.int64]) -> NDArray[np.int64]:
    """A polygon's corners (n,) as triangles (n - 2, 3) around its first corner."""
    return np.stack([np.broadcast_to(polygon[0], len(polygon) - 2), polygon[1:-1], polygon[2:]], axis=1)


def triangulate(polygons: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Polygons as triangles (M, 3); lines and points among them give none."""
    fans = [fan(polygon) for polygon in polygons if len(polygon) >= 3]
    return np.concatenate(fans).astype(np.int64) if fans else np.empty((0, 3), np.int64)


def strip_triangles(strip: NDArray[np.int64]) -> NDArray[np.int64]:
    """A strip (n,) as triangles (n - 2, 3), every second one turned so that all face the same side."""
    triangles = np.stack([strip[:-2], strip[1:-1], strip[2:]], axis=1)
    triangles[1::2] = triangles[1::2, ::-1]
    return triangles
