"""Surface metrics on balls and boxes, whose distances, volumes and overlaps are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from XRayLib.case import SurfaceMesh
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics import evaluate_mesh
from XRayLib.metrics.closest_point import ClosestPoint, closest_on_triangles
from XRayLib.metrics.evaluate_mesh import points_on_surface
from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed, voxels_inside


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> SurfaceMesh:
    """Twelve triangles that face outwards."""
    points = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = np.array([t for a, b, c, d in faces for t in ((a, b, c), (a, c, d))])
    return SurfaceMesh(points.astype(float), triangles)


def ball(radius_mm: float, center: tuple[float, float, float] = (0, 0, 0)) -> SurfaceMesh:
    from XRayLib.metrics.evaluate_mesh import _ball_like

    found = _ball_like(box((-1, -1, -1), (1, 1, 1)))
    unit = found.points / np.linalg.norm(found.points, axis=1, keepdims=True)
    return SurfaceMesh(unit * radius_mm + np.array(center), found.triangles)


coordinates = st.lists(st.floats(-10, 10), min_size=3, max_size=3)


@given(point=coordinates, corners=st.lists(coordinates, min_size=3, max_size=3))
def test_the_closest_point_of_a_triangle_is_the_best_of_many(point: list, corners: list) -> None:
    p, triangle = np.array(point), np.array(corners)
    found = closest_on_triangles(p, triangle)
    steps = np.linspace(0, 1, 41)
    u, v = (weights.ravel() for weights in np.meshgrid(steps, steps))
    u, v = u[u + v <= 1], v[u + v <= 1]
    samples = triangle[0] + u[:, None] * (triangle[1] - triangle[0]) + v[:, None] * (triangle[2] - triangle[0])
    best = np.linalg.norm(samples - p, axis=1).min()
    assert np.linalg.norm(found - p) <= best + 1e-6
    nearest_sample = np.linalg.norm(samples - found, axis=1).min()
    longest_edge = max(np.linalg.norm(triangle[a] - triangle[b]) for a, b in ((0, 1), (1, 2), (2, 0)))
    assert nearest_sample <= longest_edge / 40 + 1e-6


def test_the_search_finds_what_trying_every_triangle_finds() -> None:
    """Large and tiny, long and flat triangles in one mesh."""
    rng = np.random.default_rng(0)
    points = rng.normal(0, 20, (150, 3))
    points[:90] *= 0.05
    mesh = SurfaceMesh(points, rng.integers(0, 150, (400, 3)))
    queries = rng.normal(0, 30, (200, 3))
    everything = closest_on_triangles(queries[:, None], mesh.points[mesh.triangles][None])
    expected = np.linalg.norm(everything - queries[:, None], axis=2).min(axis=1)
    np.testing.assert_allclose(ClosestPoint(mesh)(queries)[1], expected, atol=1e-9)


def test_a_mesh_of_one_triangle_is_searched() -> None:
    mesh = SurfaceMesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    closest, distance = ClosestPoint(mesh)(np.array([[0.2, 0.2, 3], [5, 0, 0]]))
    np.testing.assert_allclose(closest, [[0.2, 0.2, 0], [1, 0, 0]])
    np.testing.assert_allclose(distance, [3, 4])


def test_samples_spread_evenly_over_the_area() -> None:
    """A box of 10 x 10 x 30: each of its small ends has 1/14 of the area."""
    points = points_on_surface(box((0, 0, 0), (10, 10, 30)), 7000, np.random.default_rng(0))
    assert np.mean(points[:, 2] > 30 - 1e-9) == pytest.approx(1 / 14, abs=0.002)
    np.testing.assert_allclose(points.mean(axis=0), (5, 5, 15), atol=0.2)


def test_volume_and_voxels_of_a_box() -> None:
    mesh = box((1.2, 2.2, 3.2), (11.2, 22.2, 33.2))
    assert is_closed(mesh)
    assert enclosed_volume_ml(mesh) == pytest.approx(6.0)
    inside = voxels_inside(mesh, (40, 30, 20), np.zeros(3), 1.0)
    assert inside.sum() == 10 * 20 * 30
    assert inside[4:34, 3:23, 2:12].all()


def test_a_box_whose_faces_lie_on_voxel_centres_has_no_stripes() -> None:
    inside = voxels_inside(box((2, 2, 2), (8, 8, 8)), (11, 11, 11), np.zeros(3), 1.0)
    core = inside[3:8, 3:8, 3:8]
    assert core.all()
    assert not inside[[0, 1, 9, 10]].any()
    assert 125 <= inside.sum() <= 343


def test_volume_and_voxels_of_a_ball() -> None:
    mesh = ball(20.0, (5, 6, 7))
    exact = 4 / 3 * math.pi * 20**3 / 1000
    assert enclosed_volume_ml(mesh) == pytest.approx(exact, rel=0.01)
    voxels = voxels_inside(mesh, (60, 60, 60), np.full(3, -20.0), 1.0).sum() / 1000
    assert voxels == pytest.approx(enclosed_volume_ml(mesh), rel=0.005)


def test_only_watertight_meshes_count_as_closed() -> None:
    mesh = box((0, 0, 0), (1, 1, 1))
    assert not is_closed(SurfaceMesh(mesh.points, mesh.triangles[1:]))
    flipped = mesh.triangles.copy()
    flipped[0] = flipped[0, ::-1]
    assert not is_closed(SurfaceMesh(mesh.points, flipped))
    assert not is_closed(SurfaceMesh(mesh.points, np.concatenate([mesh.triangles, mesh.triangles[:1]])))


def test_concentric_balls_are_their_radii_apart() -> None:
    reference, found = ball(30.0), ball(32.0)
    values = evaluate_mesh(reference, found)["result"]
    for name in ("surface_mm", "surface_rmse_mm", "surface_p95_mm"):
        assert values[name] == pytest.approx(2, abs=0.15)
    assert values["surface_hausdorff_mm"] == pytest.approx(2, abs=0.3)
    ratio = (32 / 30) ** 3
    assert values["volume_error_percent"] == pytest.approx(100 * (ratio - 1))
    assert values["dice"] == pytest.approx(2 / (1 + ratio), abs=0.01)
    assert values["vertex_md_mm"] == values["vertex_rmse_mm"] == pytest.approx(2)


def test_a_ball_beside_itself_is_the_ball_baseline() -> None:
    values = evaluate_mesh(ball(25.0, (10, 0, 0)), ball(25.0, (13, 0, 0)), template=ball(25.0, (10, 0, 0)))
    assert values["baselines"]["ball"]["surface_mm"] < 0.4
    assert values["baselines"]["ball"]["volume_error_ml"] == pytest.approx(0, abs=1e-9)
    assert values["baselines"]["template"]["surface_mm"] == pytest.approx(0, abs=1e-9)
    assert values["baselines"]["template"]["dice"] == 1
    assert values["result"]["vertex_md_mm"] == pytest.approx(3)
    distance = 3
    overlap = math.pi * (4 * 25 + distance) * (2 * 25 - distance) ** 2 / 12
    assert values["result"]["dice"] == pytest.approx(overlap / (4 / 3 * math.pi * 25**3), abs=0.01)


def test_an_error_along_the_ray_is_told_from_one_across() -> None:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=0,
        secondary_angle_deg=0,
        source_to_detector_mm=100_000,
        source_to_isocenter_mm=90_000,
        size_px=(10, 10),
        pixel_spacing_mm=(1, 1),
    )
    reference = ball(20.0)
    away, aside = (SurfaceMesh(reference.points + move, reference.triangles) for move in ((0, 4, 0), (4, 0, 0)))
    views = [evaluate_mesh(reference, mesh, geometries=[geometry])["result"]["views"][0] for mesh in (away, aside)]
    assert views[0]["along_ray_rmse_mm"] == pytest.approx(4, abs=0.01)
    assert views[0]["along_ray_bias_mm"] == pytest.approx(4, abs=0.01)
    assert views[0]["across_ray_rmse_mm"] == pytest.approx(0, abs=0.01)
    assert views[1]["along_ray_rmse_mm"] == pytest.approx(0, abs=0.01)
    assert views[1]["across_ray_rmse_mm"] == pytest.approx(4, abs=0.01)


def test_without_corresponding_vertices_the_closest_points_count() -> None:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=0,
        secondary_angle_deg=0,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=700,
        size_px=(10, 10),
        pixel_spacing_mm=(1, 1),
    )
    values = evaluate_mesh(box((0, 0, 0), (20, 20, 20)), ball(12.0, (10, 10, 10)), geometries=[geometry])["result"]
    assert "vertex_md_mm" not in values
    assert values["views"][0]["across_ray_rmse_mm"] > 0


def test_an_open_mesh_has_distances_but_no_volume() -> None:
    whole = ball(20.0)
    opened = SurfaceMesh(whole.points, whole.triangles[10:])
    values = evaluate_mesh(whole, opened)["result"]
    assert values["surface_mm"] < 0.5
    assert math.isnan(values["dice"])
    assert math.isnan(values["volume_error_ml"])


@pytest.mark.parametrize(
    "broken",
    [
        SurfaceMesh(np.zeros((3, 3)), np.empty((0, 3), np.int64)),
        SurfaceMesh(np.zeros((3, 3)), np.array([[0, 1, 3]])),
        SurfaceMesh(np.full((3, 3), np.nan), np.array([[0, 1, 2]])),
        SurfaceMesh(np.zeros((3, 2)), np.array([[0, 1, 2]])),
    ],
)
def test_a_damaged_mesh_is_refused(broken: SurfaceMesh) -> None:
    with pytest.raises(InputError):
        evaluate_mesh(ball(10.0), broken)


def test_results_are_reproducible() -> None:
    first, second = (evaluate_mesh(ball(20.0), box((-15, -15, -15), (15, 15, 15))) for _ in range(2))
    assert first == second
