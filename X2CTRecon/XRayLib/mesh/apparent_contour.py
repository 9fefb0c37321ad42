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
    from scipy.ndimage import distance_transform_cdt, label

    if not len(pieces) or not len(triangles):
        return np.zeros(len(pieces), bool)
    low = triangles.min(axis=(0, 1))
    cell = max(float((triangles.max(axis=(0, 1)) - low).max()) / OUTLINE_CELLS, 1e-9)
    margin = NEAR_CELLS + 2
    corners = (triangles - low) / cell + margin
    drawn = np.zeros(np.ceil(corners.max(axis=(0, 1))).astype(int) + margin + 1, bool)
    columns, rows = _along_edges(corners)
    drawn[columns, rows] = True
    regions, _count = label(~drawn)  # what the edges close in is inside: no need to fill the triangles
    near = distance_transform_cdt(regions != regions[0, 0], metric="taxicab") <= NEAR_CELLS
    middles = np.rint((pieces.mean(axis=1) - low) / cell + margin).astype(int)
    inside_picture = ((middles >= 0) & (middles < drawn.shape)).all(axis=1)
    middles = np.clip(middles, 0, np.array(drawn.shape) - 1)
    return inside_picture & near[middles[:, 0], middles[:, 1]]


def _along_edges(corners: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of the cells that the edges of the triangles (M, 3, 2) run through, without a gap."""
    first, second = corners.reshape(-1, 2), np.roll(corners, -1, axis=1).reshape(-1, 2)
    steps = np.ceil(np.abs(second - first).max(axis=1)).astype(int) + 1
    edge = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(steps) - steps, steps)
    share = (step / np.maximum(steps - 1, 1)[edge])[:, None]
    cells = np.rint(first[edge] + share * (second - first)[edge]).astype(int)
    return cells[:, 0], cells[:, 1]
