"""What a closed triangle mesh encloses: its volume, and the voxels inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh


def is_closed(mesh: SurfaceMesh) -> bool:
    """Whether every edge belongs to exactly two triangles that run through it in opposite directions."""
    triangles = np.asarray(mesh.triangles, np.int64)
    edges = np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]])
    count = len(mesh.points)
    forward = np.sort(edges[:, 0] * count + edges[:, 1])
    backward = np.sort(edges[:, 1] * count + edges[:, 0])
    return bool(len(edges)) and not (np.diff(forward) == 0).any() and bool(np.array_equal(forward, backward))


def signed_volume_mm3(points: NDArray[np.floating], triangles: NDArray[np.integer]) -> float:
    """Volume by the divergence theorem: sum of (a x b) . c / 6 over the triangles; negative when they face inward."""
    corners = np.asarray(points, float)[np.asarray(triangles)]
    corners = corners - corners.reshape(-1, 3).mean(axis=0)
    six_volumes = np.einsum("ni,ni->n", np.cross(corners[:, 0], corners[:, 1]), corners[:, 2])
    return float(six_volumes.sum()) / 6.0


def enclosed_volume_ml(mesh: SurfaceMesh) -> float:
    """Volume of a closed mesh, ml."""
    return abs(signed_volume_mm3(mesh.points, mesh.triangles)) / 1000.0


def voxels_inside(
    mesh: SurfaceMesh, shape_kji: tuple[int, int, int], origin_ras_mm: NDArray[np.float64], spacing_mm: float
) -> NDArray[np.bool_]:
    """Voxel centres inside a closed mesh, (k, j, i), on a grid along R, A, S.

    Along each line of voxels in S the surface is crossed in and out (even-odd rule).
    """
    points = (np.asarray(mesh.points, float) - origin_ras_mm) / spacing_mm
    # An odd fraction of a voxel keeps the lines off the vertices and edges, where crossings would count twice.
    points[:, :2] += (np.sqrt(2) * 1e-5, np.sqrt(3) * 1e-5)
    line_i, line_j, height = _crossings(points[np.asarray(mesh.triangles)], shape_kji)
    first_above = np.clip(np.ceil(height), 0, shape_kji[0]).astype(np.int64)
    toggles = np.zeros((shape_kji[0] + 1, *shape_kji[1:]), np.uint8)
    np.bitwise_xor.at(toggles, (first_above, line_j, line_i), 1)
    return np.bitwise_xor.accumulate(toggles, axis=0)[:-1].astype(bool)


def _crossings(
    corners: NDArray[np.float64], shape_kji: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Where the lines (i, j) cross the triangles (N, 3, 3): i, j and the height in voxels."""
    low = np.maximum(np.ceil(corners[:, :, :2].min(axis=1)), 0).astype(np.int64)
    high = np.minimum(np.floor(corners[:, :, :2].max(axis=1)), np.array(shape_kji)[[2, 1]] - 1).astype(np.int64)
    extent = np.maximum(high - low + 1, 0)
    lines = extent[:, 0] * extent[:, 1]
    owner = np.repeat(np.arange(len(corners)), lines)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(lines) - lines, lines)
    i = low[owner, 0] + within % np.maximum(extent[owner, 0], 1)
    j = low[owner, 1] + within // np.maximum(extent[owner, 0], 1)
    a, b, c = (corners[owner, n] for n in range(3))
    area = _cross(b - a, c - a)
    offset = np.stack([i, j], axis=1) - a[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        weight_c = _cross(b - a, offset) / area
        weight_b = _cross(offset, c - a) / area
        hit = (weight_b >= 0) & (weight_c >= 0) & (weight_b + weight_c <= 1)
    height = a[hit, 2] + weight_b[hit] * (b - a)[hit, 2] + weight_c[hit] * (c - a)[hit, 2]
    return i[hit], j[hit], height


def _cross(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
