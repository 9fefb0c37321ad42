"""An organ as a closed surface of even triangles, from its labels or from another surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, resample
from XRayLib.errors import InputError
from XRayLib.mesh.isosurface import isosurface

VERTICES = 1000
FEWEST, MOST = 100, 10000
DENSE_SHARE = 20
"""Vertices of the dense surface for each of the template's."""
FIRST_SPACING_MM, LEAST_SPACING_MM = 3.0, 0.8
SMOOTHING_VOXELS = 0.9
MOST_KEPT = 3000
"""Vertices; finer surfaces are meshed again."""


def organ_template(labels: Volume, value: int = 1, *, vertices: int = VERTICES) -> SurfaceMesh:
    """The largest connected region of ``value`` in a label volume, as a closed surface in RAS mm.

    The steps between voxels are smoothed away, the volume is kept.

    Parameters
    ----------
    labels : Volume of labels, any spacing and orientation.
    value : label of the organ.
    vertices : about how many, 100 to 10000.

    Raises
    ------
    InputError
        When no voxel has that label, or the organ is too thin for so few vertices.
    """
    inside = labels.voxels == value
    if value < 1:
        raise InputError("The label 0 is what belongs to no organ: choose the organ's label, 1 or more.")
    if not inside.any():
        raise InputError(f"The labels hold no voxel of value {value}: choose the organ's label.")
    organ = _cropped(_largest(inside), labels.ijk_to_ras)
    volume_ml = float(organ.voxels.sum() * np.prod(organ.spacing_mm)) / 1000
    return _inflated(_template(organ, vertices), volume_ml)


def remeshed(surface: SurfaceMesh, *, vertices: int = VERTICES) -> SurfaceMesh:
    """A closed surface again, with about ``vertices`` vertices and even triangles; the vertices lie on ``surface``.

    Raises
    ------
    InputError
        When the surface is not closed, or too thin for so few vertices.
    """
    from XRayLib.metrics.closest_point import ClosestPoint
    from XRayLib.metrics.mesh_solid import is_closed, voxels_inside

    if not is_closed(surface):
        raise InputError("The organ's surface has holes: close it, or choose its segmentation instead.")
    points = np.asarray(surface.points, float)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    spacing = max(LEAST_SPACING_MM, float(extent.max()) / 250)
    matrix = np.diag([spacing, spacing, spacing, 1.0])
    matrix[:3, 3] = low - 2 * spacing
    shape = tuple(int(np.ceil(size / spacing)) + 5 for size in extent[::-1])
    inside = voxels_inside(surface, (shape[0], shape[1], shape[2]), matrix[:3, 3], spacing)
    template = _template(Volume(_largest(inside).astype(np.float32), matrix, "share"), vertices)
    return replace(template, points=ClosestPoint(surface)(template.points)[0])


def surface_template(surface: SurfaceMesh) -> SurfaceMesh:
    """A closed surface as methods take it: as it is, or meshed again with even triangles when it is too fine."""
    return surface if len(surface.points) <= MOST_KEPT else remeshed(surface)


def _template(share: Volume, vertices: int) -> SurfaceMesh:
    from XRayLib.mesh.even_triangles import evenly_meshed

    if not FEWEST <= vertices <= MOST:
        raise InputError(f"An organ's template has {FEWEST} to {MOST} vertices.")
    spacing = FIRST_SPACING_MM
    dense = _dense_surface(share, spacing)
    while len(dense.points) < DENSE_SHARE * vertices and spacing > LEAST_SPACING_MM:
        finer = 0.97 * spacing * np.sqrt(max(len(dense.points), 1) / (DENSE_SHARE * vertices))
        spacing = max(LEAST_SPACING_MM, float(finer))
        dense = _dense_surface(share, spacing)
    template = evenly_meshed(dense, vertices)
    if template is None:
        raise InputError("The organ is too thin for a template of so few vertices: ask for more.")
    return template


def _dense_surface(share: Volume, spacing_mm: float) -> SurfaceMesh:
    """The surface that encloses as much as the organ's voxels, smoothed over about a voxel of either grid."""
    from scipy.ndimage import gaussian_filter

    margin_mm = 4 * spacing_mm
    low, high = share.corners_ras_mm.min(axis=0) - margin_mm, share.corners_ras_mm.max(axis=0) + margin_mm
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = low
    shape = tuple(int(np.ceil(size / spacing_mm)) + 1 for size in (high - low)[::-1])
    sampled = resample(share, (shape[0], shape[1], shape[2]), matrix).voxels
    sigma = SMOOTHING_VOXELS * max(1.0, max(share.spacing_mm) / spacing_mm)
    smooth = gaussian_filter(sampled, sigma)
    wanted = max(1, round(float(sampled.sum())))
    level = float(np.partition(smooth.ravel(), -wanted)[-wanted])
    surface = isosurface(smooth, min(max(level, 0.2), 0.8), matrix)
    if not len(surface.triangles):
        raise InputError("The organ is too small for a surface: choose another label, or a finer segmentation.")
    return _largest_part(surface)


def _inflated(mesh: SurfaceMesh, volume_ml: float) -> SurfaceMesh:
    """The mesh grown evenly along its normals until it encloses so much: chords cut off what bulges."""
    from XRayLib.mesh.surface_graph import triangle_normals, vertex_normals
    from XRayLib.metrics.mesh_solid import enclosed_volume_ml

    for _ in range(3):
        area = np.linalg.norm(triangle_normals(mesh.points[mesh.triangles]), axis=1).sum() / 2
        step_mm = 1000 * (volume_ml - enclosed_volume_ml(mesh)) / area
        mesh = replace(mesh, points=mesh.points + step_mm * vertex_normals(mesh.points, mesh.triangles))
    return mesh


def _cropped(inside: NDArray[np.bool_], ijk_to_ras: NDArray[np.float64]) -> Volume:
    """The organ's voxels with two empty ones around."""
    spans = [np.flatnonzero(inside.any(axis=tuple(m for m in range(3) if m != n)))[[0, -1]] for n in range(3)]
    part = inside[tuple(slice(first, last + 1) for first, last in spans)]
    matrix = np.array(ijk_to_ras, float)
    matrix[:3, 3] += matrix[:3, :3] @ (np.array([first for first, _ in spans[::-1]], float) - 2)
    return Volume(np.pad(part, 2).astype(np.float32), matrix, "share")


def _largest(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import label

    regions, _ = label(inside)
    sizes = np.bincount(regions.ravel())
    sizes[0] = 0
    return regions == sizes.argmax()


def _largest_part(surface: SurfaceMesh) -> SurfaceMesh:
    """The connected part with the most triangles: the outer surface."""
    import scipy.sparse
    import scipy.sparse.csgraph

    triangles, count = surface.triangles, len(surface.points)
    links = np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)]])
    graph = scipy.sparse.coo_matrix((np.ones(len(links)), links.T), (count, count))
    _, part = scipy.sparse.csgraph.connected_components(graph, directed=False)
    chosen = part[triangles[:, 0]] == np.bincount(part[triangles[:, 0]]).argmax()
    used, numbers = np.unique(triangles[chosen], return_inverse=True)
    return SurfaceMesh(surface.points[used], numbers.reshape(-1, 3).astype(np.int64))
