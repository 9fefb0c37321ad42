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


OUTLINE_CELLS = 200
"""Of the picture in which inside and outside are told apart, along its longer side."""
NEAR_CELLS = 4


def outer_pieces(pieces: NDArray[np.float64], triangles: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pieces (P, 2, 2) of projected lines are at the edge of the projected triangles (M, 3, 2), not inside."""
    from scipy.ndimage import binary_closing, binary_dilation, binary_fill_holes

    if not len(pieces) or not len(triangles):
        return np.zeros(len(pieces), bool)
    low = triangles.min(axis=(0, 1))
    cell = max(float((triangles.max(axis=(0, 1)) - low).max()) / OUTLINE_CELLS, 1e-9)
    margin = NEAR_CELLS + 2
    corners = (triangles - low) / cell + margin
    covered = np.zeros(np.ceil(corners.max(axis=(0, 1))).astype(int) + margin + 1, bool)
    columns, rows = np.rint(_samples(corners)).astype(int).T
    covered[columns, rows] = True
    outside = ~binary_fill_holes(binary_closing(covered))
    near = binary_dilation(outside, iterations=NEAR_CELLS)
    middles = np.rint((pieces.mean(axis=1) - low) / cell + margin).astype(int)
    inside_picture = ((middles >= 0) & (middles < covered.shape)).all(axis=1)
    middles = np.clip(middles, 0, np.array(covered.shape) - 1)
    return inside_picture & near[middles[:, 0], middles[:, 1]]


def _samples(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points all over the triangles (M, 3, 2), no farther apart than a cell."""
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max()
    steps = min(int(np.ceil(longest)) + 1, 64)
    first, second = np.nonzero(np.tri(steps + 1, dtype=bool)[::-1])
    weights = np.stack([first, second, steps - first - second], axis=1) / steps
    return np.einsum("wc,mcd->mwd", weights, corners).reshape(-1, 2)
