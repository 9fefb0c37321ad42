"""Every surface metric of a result against the true surface, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.mesh.surface_graph import triangle_normals
from XRayLib.metrics.closest_point import ClosestPoint
from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed, voxels_inside
from XRayLib.metrics.overlap import dice
from XRayLib.metrics.ray_errors import named_ray_errors
from XRayLib.metrics.surface_distance import summarize

SURFACE_SAMPLES = 10_000
DICE_SPACING_MM = 1.0
LARGEST_GRID = 200
"""Voxels along the longest side at most: larger organs get larger voxels."""


def evaluate_mesh(
    reference: SurfaceMesh,
    result: SurfaceMesh,
    *,
    geometries: Sequence[XRayGeometry] = (),
    template: SurfaceMesh | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics of ``result``, of ``template`` (a mean or pre-operative mesh) and of a ball against ``reference``.

    All in one RAS frame, mm. The ball has the reference's volume and place: what one scores who knows where the organ
    is and how large, but nothing of its shape.

    Returns
    -------
    dict
        ``result`` and ``baselines`` (ball, template), each with

        - ``surface_mm`` (mean distance, MD), ``surface_rmse_mm``, ``surface_p95_mm``, ``surface_hausdorff_mm``: exact
          distances of 10000 points evenly spread over each surface, and of all vertices for the Hausdorff distance;
        - ``dice``, ``volume_error_ml``, ``volume_error_percent``: not a number unless both meshes are closed;
        - ``vertex_md_mm``, ``vertex_rmse_mm``: of corresponding vertices, when both meshes have the same triangles;
        - ``views``: per geometry, root mean square error along and across the rays; of corresponding vertices when
          there are any, else of the closest points, which hides sliding along the surface.
    """
    _check(reference, "reference")
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {"result": _metrics(reference, result, geometries, rng), "baselines": {}}
    if is_closed(reference):
        values["baselines"]["ball"] = _metrics(reference, _ball_like(reference), geometries, rng)
    if template is not None:
        values["baselines"]["template"] = _metrics(reference, template, geometries, rng)
    return values


def _metrics(
    reference: SurfaceMesh, found: SurfaceMesh, geometries: Sequence[XRayGeometry], rng: np.random.Generator
) -> dict[str, Any]:
    _check(found, "result")
    on_reference, on_found = (points_on_surface(mesh, SURFACE_SAMPLES, rng) for mesh in (reference, found))
    to_found, to_reference = ClosestPoint(found), ClosestPoint(reference)
    closest, forward = to_found(on_reference)
    _, backward = to_reference(on_found)
    values: dict[str, Any] = summarize(forward, backward).named("surface")
    from_vertices = (to_found(reference.points)[1].max(), to_reference(found.points)[1].max())
    values["surface_hausdorff_mm"] = max(values["surface_hausdorff_mm"], *map(float, from_vertices))
    values |= _solid_metrics(reference, found)
    errors, places = closest - on_reference, on_reference
    if _corresponding(reference, found):
        places = np.asarray(reference.points, float)
        errors = np.asarray(found.points, float) - places
        lengths = np.linalg.norm(errors, axis=1)
        values["vertex_md_mm"] = float(lengths.mean())
        values["vertex_rmse_mm"] = float(np.sqrt(np.mean(lengths**2)))
    if geometries:
        values["views"] = [named_ray_errors(errors, places, geometry) for geometry in geometries]
    return values


def points_on_surface(mesh: SurfaceMesh, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points (count, 3) evenly spread over the surface: stratified by area, random within a triangle."""
    corners = np.asarray(mesh.points, float)[np.asarray(mesh.triangles)]
    areas = np.linalg.norm(triangle_normals(corners), axis=1)
    cumulated = np.cumsum(areas)
    wanted = (np.arange(count) + rng.random(count)) / count * cumulated[-1]
    chosen = corners[np.minimum(np.searchsorted(cumulated, wanted), len(corners) - 1)]
    root, v = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1 - root, root * (1 - v), root * v], axis=1)
    return np.einsum("nc,ncx->nx", weights, chosen)


def _solid_metrics(reference: SurfaceMesh, found: SurfaceMesh) -> dict[str, float]:
    if not (is_closed(reference) and is_closed(found)):
        return dict.fromkeys(("dice", "volume_error_ml", "volume_error_percent"), float("nan"))
    points = np.concatenate([reference.points, found.points])
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    spacing_mm = max(DICE_SPACING_MM, float(extent.max()) / LARGEST_GRID)
    size_ijk = (np.ceil(extent / spacing_mm) + 1).astype(int)
    shape_kji = (int(size_ijk[2]), int(size_ijk[1]), int(size_ijk[0]))
    true, own = enclosed_volume_ml(reference), enclosed_volume_ml(found)
    return {
        "dice": dice(*(voxels_inside(mesh, shape_kji, low, spacing_mm) for mesh in (reference, found))),
        "volume_error_ml": own - true,
        "volume_error_percent": 100 * (own - true) / true,
    }


def _corresponding(first: SurfaceMesh, second: SurfaceMesh) -> bool:
    return len(first.points) == len(second.points) and np.array_equal(first.triangles, second.triangles)


def _ball_like(mesh: SurfaceMesh) -> SurfaceMesh:
    """A ball of the mesh's volume around the middle of its surface."""
    points = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = np.array([t for a, b, c, d in faces for t in ((a, b, c), (a, c, d))])
    for _ in range(4):
        points, triangles = _subdivided(points, triangles)
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    unit = SurfaceMesh(points, triangles)
    radius_mm = (enclosed_volume_ml(mesh) / enclosed_volume_ml(unit)) ** (1 / 3)
    center = points_on_surface(mesh, SURFACE_SAMPLES, np.random.default_rng(0)).mean(axis=0)
    return SurfaceMesh(points * radius_mm + center, triangles)


def _subdivided(
    points: NDArray[np.float64], triangles: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Every triangle into four, through the middles of its edges."""
    edges = np.sort(np.concatenate([triangles[:, (0, 1)], triangles[:, (1, 2)], triangles[:, (2, 0)]]), axis=1)
    unique, middle = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = (len(points) + middle.reshape(3, -1)).astype(np.int64)
    a, b, c = triangles.T
    parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return np.concatenate([points, points[unique].mean(axis=1)]), np.concatenate([np.stack(p, 1) for p in parts])


def _check(mesh: SurfaceMesh, name: str) -> None:
    points, triangles = np.asarray(mesh.points), np.asarray(mesh.triangles)
    if points.ndim != 2 or triangles.ndim != 2 or not triangles.size or points.shape[1] != 3 or triangles.shape[1] != 3:
        raise InputError(f"The {name} mesh has no triangles: choose a surface.")
    if not np.isfinite(points).all() or triangles.min() < 0 or triangles.max() >= len(points):
        raise InputError(f"The {name} mesh is damaged: it holds impossible points or triangles.")
