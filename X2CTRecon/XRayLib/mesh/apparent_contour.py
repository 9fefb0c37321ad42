"""The outline that a surface has as seen from a point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.mesh.surface_graph import vertex_normals


def apparent_contour(mesh: SurfaceMesh, source_ras_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pieces (P, 2, 3), RAS mm, of the lines on a closed surface along which rays from the source touch it.

    There the surface turns from the source; between the vertices it is taken to turn evenly, so that the lines are
    smooth where the triangles are not (Hertzmann and Zorin, SIGGRAPH 2000). Lines behind the surface are among them.
    """
    points, triangles = np.asarray(mesh.points, float), np.asarray(mesh.triangles)
    rays = points - source_ras_mm
    turning = np.einsum("vi,vi->v", vertex_normals(points, triangles), rays)
    sides = turning[triangles] >= 0
    mixed = sides.any(axis=1) & ~sides.all(axis=1)
    triangles, sides = triangles[mixed], sides[mixed]
    alone = np.where(sides.sum(axis=1) == 1, sides.argmax(axis=1), (~sides).argmax(axis=1))
    rows = np.arange(len(triangles))
    tip = triangles[rows, alone]
    ends = [_crossing(points, turning, tip, triangles[rows, (alone + n) % 3]) for n in (1, 2)]
    return np.stack(ends, axis=1)


def _crossing(
    points: NDArray[np.float64], turning: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    share = turning[first] / (turning[first] - turning[second])
    return points[first] + share[:, None] * (points[second] - points[first])
