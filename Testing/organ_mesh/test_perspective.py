"""Features are sampled where a point is projected, for any camera, and so are their gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from X2CTReconLib.mesh_networks.perspective import camera_axes, mm_per_px, projected, sampled
from XRayLib.geometry import XRayGeometry

SIDE = 64


def view(primary: float, secondary: float) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(SIDE, SIDE),
        pixel_spacing_mm=(6.0, 6.0),
        principal_point_px=(29.0, 35.5),
    )


def matrix(geometry: XRayGeometry) -> torch.Tensor:
    return torch.tensor(geometry.ras_to_pixel)[None]


@pytest.mark.parametrize("angles", [(0, 0), (45, 0), (90, 0), (-30, 20), (180, -15)])
def test_points_are_projected_as_the_geometry_projects_them(angles: tuple[float, float]) -> None:
    geometry = view(*angles)
    points = np.random.default_rng(0).uniform(-80, 80, (50, 3))
    found = projected(torch.tensor(points)[None], matrix(geometry))[0]
    np.testing.assert_allclose(found.numpy(), geometry.project(points), atol=1e-9)
    axes = camera_axes(matrix(geometry))[0].numpy()
    wanted = [geometry.column_direction, geometry.row_direction, geometry.detector_normal]
    np.testing.assert_allclose(axes, wanted, atol=1e-12)
    assert float(mm_per_px(matrix(geometry))) == pytest.approx(6.0 * 700 / 1020)


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
def test_a_picture_of_coordinates_gives_the_coordinates(stride: int) -> None:
    """Each feature is the mean over its pixels, as pooling makes it: sampled linearly it must give the place itself."""
    rows, columns = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")
    features = torch.nn.functional.avg_pool2d(torch.stack([columns, rows])[None], stride)
    rng = np.random.default_rng(1)
    pixels = torch.tensor(rng.uniform(stride, SIDE - 1 - stride, (1, 40, 2)), dtype=torch.float32)
    np.testing.assert_allclose(sampled(features, pixels, SIDE).numpy(), pixels.numpy(), atol=1e-4)


def test_gradients_reach_points_and_features() -> None:
    geometry = matrix(view(30, 10))
    features = torch.rand((1, 2, 16, 16), dtype=torch.float64, requires_grad=True)
    points = torch.empty((1, 5, 3), dtype=torch.float64).uniform_(-60, 60).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda f, p: sampled(f, projected(p, geometry), SIDE), (features, points), eps=1e-6, atol=1e-4
    )


def test_beyond_the_picture_its_border_counts() -> None:
    features = torch.arange(4.0).reshape(1, 1, 2, 2)
    found = sampled(features, torch.tensor([[[-500.0, -500.0], [500.0, 500.0]]]), SIDE)
    assert found[0, :, 0].tolist() == [0.0, 3.0]
