"""Distances between regions on a grid, in closed form and against MONAI and SimpleITK."""

from __future__ import annotations

import math

import numpy as np
import pytest
from XRayLib.metrics.overlap import dice
from XRayLib.metrics.surface_distance import mask_surface_distances, summarize

SPACING_KJI = (3.0, 1.5, 2.0)


def ellipsoid(center: tuple[float, float, float], radii: tuple[float, float, float]) -> np.ndarray:
    grid = np.indices((30, 34, 38))
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, center, radii, strict=True)) <= 1


@pytest.fixture
def regions() -> tuple[np.ndarray, np.ndarray]:
    return ellipsoid((14, 16, 18), (8, 10, 12)), ellipsoid((16, 15, 21), (9, 8, 11))


def test_parallel_sheets_are_as_far_apart_as_they_are() -> None:
    """Two one-voxel sheets 3 voxels of 2 mm apart."""
    first, second = np.zeros((10, 6, 6), bool), np.zeros((10, 6, 6), bool)
    first[2], second[5] = True, True
    distances = mask_surface_distances(first, second, (2.0, 1.0, 1.0))
    assert (distances.mean, distances.rmse, distances.p95, distances.hausdorff) == (6, 6, 6, 6)


def test_a_single_outlier_moves_the_maximum_but_not_the_percentile() -> None:
    first = np.zeros((5, 60, 60), bool)
    first[2] = True
    second = first.copy()
    second[4, 30, 30] = True
    distances = mask_surface_distances(first, second, (1.0, 1.0, 1.0))
    assert distances.hausdorff == pytest.approx(2)
    assert distances.p95 == 0
    assert distances.mean == pytest.approx(2 / (2 * 3600 + 1))


def test_a_missing_surface_has_no_distance() -> None:
    empty = np.zeros((4, 4, 4), bool)
    assert math.isnan(mask_surface_distances(empty, ~empty, SPACING_KJI).mean)
    assert math.isnan(summarize(np.empty(0), np.ones(3)).hausdorff)


def test_the_edge_of_the_image_is_no_surface() -> None:
    """A region that fills the image's lower part has one border, the plane inside the image."""
    first, second = np.zeros((10, 5, 5), bool), np.zeros((10, 5, 5), bool)
    first[:4], second[:7] = True, True
    assert mask_surface_distances(first, second, (1.0, 1.0, 1.0)).hausdorff == 3


def test_summary_of_known_distances() -> None:
    distances = summarize(np.array([0.0, 3.0]), np.array([4.0, 5.0]))
    assert distances.mean == 3
    assert distances.rmse == pytest.approx(math.sqrt(50 / 4))
    assert distances.p95 == pytest.approx(4.95)
    assert distances.named("surface") == pytest.approx(
        {"surface_mm": 3, "surface_rmse_mm": math.sqrt(12.5), "surface_p95_mm": 4.95, "surface_hausdorff_mm": 5}
    )


def test_distances_and_dice_equal_monai(regions: tuple[np.ndarray, np.ndarray]) -> None:
    torch, metrics = pytest.importorskip("torch"), pytest.importorskip("monai.metrics")
    a, b = (torch.as_tensor(region)[None, None].float() for region in regions)
    ours = mask_surface_distances(*regions, SPACING_KJI)
    spacing = list(SPACING_KJI)
    mean = metrics.compute_average_surface_distance(a, b, include_background=True, symmetric=True, spacing=spacing)
    assert ours.mean == pytest.approx(mean.item(), rel=1e-5)
    for percentile, value in ((95, ours.p95), (None, ours.hausdorff)):
        theirs = metrics.compute_hausdorff_distance(
            a, b, include_background=True, percentile=percentile, spacing=spacing
        )
        assert value == pytest.approx(theirs.item(), rel=1e-5)
    assert dice(*regions) == pytest.approx(metrics.compute_dice(a, b, include_background=True).item(), rel=1e-6)


def test_hausdorff_and_dice_equal_simpleitk(regions: tuple[np.ndarray, np.ndarray]) -> None:
    import SimpleITK as sitk

    images = [sitk.GetImageFromArray(region.astype(np.uint8)) for region in regions]
    borders = [sitk.LabelContour(image) for image in images]
    for image in (*images, *borders):
        image.SetSpacing(SPACING_KJI[::-1])
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    assert dice(*regions) == pytest.approx(overlap.GetDiceCoefficient())
    hausdorff = sitk.HausdorffDistanceImageFilter()
    hausdorff.Execute(*borders)
    assert mask_surface_distances(*regions, SPACING_KJI).hausdorff == pytest.approx(hausdorff.GetHausdorffDistance())
