"""The outline of a surface seen from a point, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.case import SurfaceMesh
from XRayLib.mesh.apparent_contour import apparent_contour, outer_pieces
from XRayLib.mesh.isosurface import isosurface


def a_ball(radius_mm: float, middle: tuple[float, float, float]) -> SurfaceMesh:
    spacing = radius_mm / 12
    matrix = np.diag([spacing, spacing, spacing, 1.0])
    matrix[:3, 3] = np.array(middle) - 15 * spacing
    k, j, i = np.indices((31, 31, 31)) - 15
    return isosurface((12 - np.sqrt(i**2 + j**2 + k**2)).astype(np.float32), 0.0, matrix)


def test_a_ball_is_touched_on_the_circle_that_the_tangents_make() -> None:
    radius, distance = 40.0, 300.0
    middle, source = np.array([10.0, -20.0, 5.0]), np.array([10.0, -20.0 - distance, 5.0])
    pieces = apparent_contour(a_ball(radius, tuple(middle)), source)
    assert pieces.shape[1:] == (2, 3)
    points = pieces.reshape(-1, 3) - middle
    # The tangents from the source touch at radius^2 / distance towards it.
    np.testing.assert_allclose(points[:, 1], -(radius**2) / distance, atol=1.6)
    np.testing.assert_allclose(
        np.hypot(points[:, 0], points[:, 2]), radius * np.sqrt(1 - (radius / distance) ** 2), atol=0.4
    )
    seen = np.linalg.norm((pieces[:, 1] - pieces[:, 0])[:, [0, 2]], axis=1).sum()
    assert seen == pytest.approx(2 * np.pi * radius * np.sqrt(1 - (radius / distance) ** 2), rel=0.03)


def test_every_piece_goes_on_in_another() -> None:
    pieces = apparent_contour(a_ball(30.0, (0.0, 0.0, 0.0)), np.array([0.0, -500.0, 40.0]))
    ends, counts = np.unique(np.round(pieces.reshape(-1, 3), 6), axis=0, return_counts=True)
    assert len(ends) > 30
    assert (counts == 2).all()


def test_lines_inside_the_outline_are_told_from_those_at_its_edge() -> None:
    """Two balls one behind the other: the smaller one's line is inside the larger one's."""
    large, small = a_ball(40.0, (0.0, 0.0, 0.0)), a_ball(15.0, (0.0, 80.0, 0.0))
    source = np.array([0.0, -600.0, 0.0])
    pieces = [apparent_contour(ball, source) for ball in (large, small)]

    def seen(points: np.ndarray) -> np.ndarray:
        return points[..., [0, 2]] * 600 / (points[..., [1]] + 600)

    triangles = np.concatenate([seen(ball.points)[ball.triangles] for ball in (large, small)])
    outer = outer_pieces(seen(np.concatenate(pieces)), triangles)
    assert outer[: len(pieces[0])].all()
    assert not outer[len(pieces[0]) :].any()
