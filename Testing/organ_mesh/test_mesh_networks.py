"""Graph layers, losses, and what every network promises before and after it has learned anything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from motion_cases import small
from X2CTReconLib.mesh_networks import losses
from X2CTReconLib.mesh_networks.graph import graph_of
from X2CTReconLib.mesh_networks.layers import NeighbourMean
from X2CTReconLib.mesh_networks.perspective import camera_axes
from X2CTReconLib.mesh_preparation.tasks import TASKS, MeshTask
from XRayLib.case import SurfaceMesh
from XRayLib.mesh.surface_graph import normalized_adjacency, vertex_normals
from XRayLib.metrics.mesh_solid import enclosed_volume_ml, is_closed
from XRayLib.motion import DeformationModes, MotionModel
from XRayLib.preparation.motion_films import organ_window

KINDS = tuple(TASKS)


@pytest.fixture
def task(motion: MotionModel, modes: DeformationModes, request: pytest.FixtureRequest) -> MeshTask:
    return TASKS[request.param](motion, organ_window(motion.organ.points), modes, small())


def test_the_mean_over_neighbours_is_the_normalised_adjacency(liver: SurfaceMesh) -> None:
    vertices = len(liver.points)
    x = torch.rand(2, vertices, 5)
    found = NeighbourMean(graph_of(liver.triangles, vertices))(x)
    expected = normalized_adjacency(liver.triangles, vertices) @ x[1].numpy()
    np.testing.assert_allclose(found[1].numpy(), expected, atol=1e-6)


def test_gradients_and_exported_graphs_of_the_mean_are_those_of_the_dense_product(liver: SurfaceMesh) -> None:
    vertices = len(liver.points)
    mean = NeighbourMean(graph_of(liver.triangles, vertices))
    dense = torch.tensor(normalized_adjacency(liver.triangles, vertices).toarray(), dtype=torch.float32)
    x, weights = torch.rand(3, vertices, 4, requires_grad=True), torch.rand(3, vertices, 4)
    (found,) = torch.autograd.grad((mean(x) * weights).sum(), x)
    (expected,) = torch.autograd.grad(((dense @ x) * weights).sum(), x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    exported = torch.jit.trace(mean, x.detach(), check_trace=False)
    np.testing.assert_allclose(exported(x.detach()), (dense @ x).detach(), atol=1e-5)


def test_losses_of_known_surfaces(liver: SurfaceMesh) -> None:
    points = torch.tensor(liver.points, dtype=torch.float64)[None]
    triangles = torch.tensor(liver.triangles)
    graph = graph_of(liver.triangles, len(liver.points))
    edges = torch.tensor(graph.edges)
    shift = torch.tensor([3.0, -4.0, 12.0], dtype=torch.float64)
    assert float(losses.distance(points + shift, points)) == pytest.approx(13.0)
    assert float(losses.squared_distance(points + shift, points)) == pytest.approx(169.0)
    mean = NeighbourMean(graph).double()
    assert float(losses.laplacian(shift.expand_as(points), mean)) == pytest.approx(0.0, abs=1e-12)
    assert float(losses.edge_change(points + shift, points, edges)) == pytest.approx(0.0, abs=1e-12)
    with_itself = losses.nearest(points, points)
    assert float(losses.chamfer(points, points, with_itself)) == pytest.approx(0.0, abs=1e-9)
    far = torch.tensor([1000.0, 0.0, 0.0], dtype=torch.float64)
    one, other = points[:, :1] + far, points[:, :1]
    assert float(losses.chamfer(one, other, losses.nearest(one, other))) == pytest.approx(2e6)
    assert float(losses.volume_of(points, triangles)) == pytest.approx(1000 * enclosed_volume_ml(liver), rel=1e-6)
    normals = losses.vertex_normals(points, triangles)
    np.testing.assert_allclose(normals[0], vertex_normals(liver.points, liver.triangles), atol=1e-9)
    # Edges of a smooth surface lie nearly across its normals, those of a jagged one do not.
    jagged = points + 20 * torch.rand(points.shape, dtype=torch.float64)
    smooth = losses.normal(points, edges, losses.chosen(normals, with_itself[0]))
    nearest, _ = losses.nearest(jagged, points)
    assert float(smooth) < 0.25 < 2 * float(losses.normal(jagged, edges, losses.chosen(normals, nearest)))


def test_the_chamfer_distance_and_its_slope_are_those_of_all_distances() -> None:
    generator = torch.Generator().manual_seed(1)
    found = torch.rand((2, 40, 3), generator=generator).requires_grad_()
    true = torch.rand((2, 25, 3), generator=generator)
    between = torch.cdist(found, true)
    dense = (between.amin(dim=2) ** 2).mean() + (between.amin(dim=1) ** 2).mean()
    (expected,) = torch.autograd.grad(dense, found)
    value = losses.chamfer(found, true, losses.nearest(found, true))
    (slope,) = torch.autograd.grad(value, found)
    assert float(value.detach()) == pytest.approx(float(dense.detach()), rel=1e-4)
    np.testing.assert_allclose(slope, expected, atol=1e-5)


def test_the_likelihood_is_best_at_the_true_deviation() -> None:
    errors = 3.0 * torch.randn((1, 4000, 3), generator=torch.Generator().manual_seed(0))
    values = {s: float(losses.gaussian_nll(errors, torch.full_like(errors, np.log(s)))) for s in (1.5, 3.0, 6.0)}
    assert min(values, key=values.get) == 3.0
    moved = errors.clone().requires_grad_()
    losses.gaussian_nll(moved, torch.zeros_like(errors).requires_grad_()).backward()
    assert moved.grad is None


@pytest.mark.parametrize("task", KINDS, indirect=True)
def test_an_untrained_network_leaves_the_organ_about_where_it_starts(task: MeshTask) -> None:
    torch.manual_seed(0)
    network = task.network()
    start, triangles = task.surface
    assert is_closed(SurfaceMesh(start, triangles))
    batch = task.batch(task.films().batch(0))
    found = network.answer(batch["contrasts"], batch["ras_to_pixel"])
    assert found["displacement"].shape == (4, len(start), 3)
    mean = float(np.linalg.norm(task.modes.organ_mean_mm, axis=1).max())
    assert float(found["displacement"].detach().norm(dim=2).max()) < mean + 2.0
    loss, error_mm = task.loss(network, batch)
    loss.backward()
    assert np.isfinite(error_mm)
    dead = [name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not dead


@pytest.mark.parametrize("task", ["igcn", "organ-mesh"], indirect=True)
def test_targets_and_cameras_agree_with_the_films(task: MeshTask) -> None:
    films = task.films().batch(0)
    batch = task.batch(films)
    window = organ_window(task.motion.organ.points)
    for n, film in enumerate(films):
        start = torch.tensor(task.template.points, dtype=torch.float32)
        moved = (start + batch["target"][n]).numpy() + window.middle_ras_mm
        np.testing.assert_allclose(moved, film.organ_ras_mm, atol=1e-3)
        axes = camera_axes(batch["ras_to_pixel"])[n].numpy()
        np.testing.assert_allclose(axes[2], film.geometry.detector_normal, atol=1e-5)
