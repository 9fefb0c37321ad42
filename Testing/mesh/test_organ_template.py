"""Templates of even triangles, and meshes as graphs, on shapes whose surface is known."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.mesh import organ_template, remeshed
from XRayLib.mesh.isosurface import isosurface
from XRayLib.mesh.surface_graph import (
    directed_edges,
    edges_of,
    laplacian,
    neighbours_of,
    normalized_adjacency,
    unpooling,
    vertex_normals,
)
from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed

TETRAHEDRON = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
GRID = np.array([[0, -2.0, 0, 30], [2, 0, 0, -50], [0, 0, 3, 7], [0, 0, 0, 1]])


def ball_labels(radius_mm: float = 40.0, value: int = 5) -> tuple[Volume, np.ndarray]:
    k, j, i = np.indices((40, 56, 60))
    points = np.stack([i, j, k], axis=-1) @ GRID[:3, :3].T + GRID[:3, 3]
    middle = points[20, 28, 30]
    inside = np.linalg.norm(points - middle, axis=-1) < radius_mm
    return Volume(np.where(inside, value, 0).astype(np.float32), GRID, "label"), middle


def triangle_quality(mesh: SurfaceMesh) -> np.ndarray:
    """1 for an equilateral triangle, 0 for one without area."""
    corners = mesh.points[mesh.triangles]
    sides = np.square(corners - np.roll(corners, 1, axis=1)).sum(axis=(1, 2))
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    return 4 * np.sqrt(3) * area / sides


def signed_volume(mesh: SurfaceMesh) -> float:
    corners = mesh.points[mesh.triangles]
    return float(np.einsum("ni,ni->n", np.cross(corners[:, 0], corners[:, 1]), corners[:, 2]).sum() / 6000)


@pytest.mark.parametrize("vertices", [300, 1000])
def test_a_ball_s_template_is_even_closed_and_true(vertices: int) -> None:
    labels, middle = ball_labels()
    mesh = organ_template(labels, 5, vertices=vertices)
    assert is_closed(mesh)
    assert len(mesh.points) - len(edges_of(mesh.triangles)) + len(mesh.triangles) == 2
    assert len(mesh.points) == pytest.approx(vertices, rel=0.12)
    volume_ml = (labels.voxels > 0).sum() * 12 / 1000
    assert signed_volume(mesh) == pytest.approx(volume_ml, rel=0.002)  # outward, and as large as the voxels
    assert np.abs(np.linalg.norm(mesh.points - middle, axis=1) - 40).max() < 1.2
    assert np.percentile(triangle_quality(mesh), 1) > 0.7
    edges = edges_of(mesh.triangles)
    lengths = np.linalg.norm(mesh.points[edges[:, 0]] - mesh.points[edges[:, 1]], axis=1)
    assert lengths.std() < 0.2 * lengths.mean()


def test_another_surface_is_meshed_again_on_itself() -> None:
    labels, middle = ball_labels()
    uneven = isosurface(labels.voxels / 5, 0.5, GRID)
    mesh = remeshed(uneven, vertices=400)
    assert is_closed(mesh)
    assert enclosed_volume_ml(mesh) == pytest.approx(enclosed_volume_ml(uneven), rel=0.03)
    assert triangle_quality(mesh).mean() > 0.85 > 0.8 > triangle_quality(uneven).mean()
    assert np.abs(np.linalg.norm(mesh.points - middle, axis=1) - 40).max() < 4


def test_only_the_largest_part_counts() -> None:
    labels, middle = ball_labels(30.0)
    voxels = labels.voxels.copy()
    voxels[1:4, 1:4, 1:4] = 5
    mesh = organ_template(Volume(voxels, GRID, "label"), 5, vertices=300)
    assert np.linalg.norm(mesh.points - middle, axis=1).max() < 33


def test_an_isosurface_is_closed_whatever_the_values() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        surface = isosurface(rng.normal(0, 1, (7, 8, 9)), 0.3, GRID)
        assert is_closed(surface)
        assert signed_volume(surface) > 0
    assert len(isosurface(np.zeros((4, 4, 4)), 1.0, GRID).triangles) == 0


def test_an_isosurface_lies_where_the_values_cross() -> None:
    k, j, i = np.indices((12, 12, 12))
    points = np.stack([i, j, k], axis=-1) @ GRID[:3, :3].T + GRID[:3, 3]
    normal = np.array([0.48, 0.6, 0.64])
    offset = float(normal @ points[6, 6, 6])
    surface = isosurface(offset - points @ normal, 0.3, GRID)
    indices = (surface.points - GRID[:3, 3]) @ np.linalg.inv(GRID[:3, :3]).T
    inner = ((indices > 0.1) & (indices < 10.9)).all(axis=1)
    np.testing.assert_allclose(surface.points[inner] @ normal, offset - 0.3, atol=0.1)


@pytest.mark.parametrize(("value", "vertices"), [(9, 1000), (5, 50), (5, 10**6)])
def test_what_cannot_be_meshed_is_bad_input(value: int, vertices: int) -> None:
    with pytest.raises(InputError):
        organ_template(ball_labels()[0], value, vertices=vertices)


def test_an_open_surface_is_not_meshed_again() -> None:
    with pytest.raises(InputError, match="holes"):
        remeshed(SurfaceMesh(np.eye(4, 3), TETRAHEDRON[1:]))


def test_the_graph_of_a_tetrahedron() -> None:
    assert len(edges_of(TETRAHEDRON)) == 6
    assert len(directed_edges(TETRAHEDRON)) == 12
    neighbours, real = neighbours_of(TETRAHEDRON, 5)  # vertex 4 is used by no triangle
    assert real.sum(axis=1).tolist() == [3, 3, 3, 3, 0]
    assert sorted(neighbours[2][real[2]].tolist()) == [0, 1, 3]
    assert neighbours[4].tolist() == [4, 4, 4]
    np.testing.assert_allclose(normalized_adjacency(TETRAHEDRON, 4).toarray(), np.full((4, 4), 0.25))
    points = np.array([[1.0, 2, 3], [0, 1, 0], [4, 4, 4], [9, 0, 1]])
    expected = points - (points.sum(axis=0) - points) / 3
    np.testing.assert_allclose(laplacian(TETRAHEDRON, 4) @ points, expected)


def test_unpooling_splits_every_triangle_and_keeps_the_shape() -> None:
    points = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    finer = unpooling(TETRAHEDRON, 4)
    mesh = SurfaceMesh(finer.unpooled(points), finer.triangles)
    assert (len(mesh.points), len(mesh.triangles)) == (10, 16)
    assert is_closed(mesh)
    coarse = SurfaceMesh(points, TETRAHEDRON)
    assert enclosed_volume_ml(mesh) == pytest.approx(enclosed_volume_ml(coarse))
    assert signed_volume(mesh) == pytest.approx(signed_volume(coarse))


def test_normals_point_away_from_a_ball_s_middle() -> None:
    labels, middle = ball_labels()
    mesh = organ_template(labels, 5, vertices=500)
    outward = (mesh.points - middle) / np.linalg.norm(mesh.points - middle, axis=1, keepdims=True)
    assert (np.sum(vertex_normals(mesh.points, mesh.triangles) * outward, axis=1) > 0.98).all()
