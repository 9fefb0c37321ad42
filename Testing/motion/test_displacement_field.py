"""Fields that are known in closed form: warping, inverting and composing them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayLib.motion.lattice import STEEPEST, Lattice

GRID = np.array([[0, -5.0, 0, 60], [4, 0, 0, -50], [0, 0, 6, -70], [0, 0, 0, 1]])
"""Turned axes and three spacings, so that no confusion of axes goes unseen."""
SHAPE = (20, 22, 24)


def wave(amplitude_mm: float, seed: int = 0) -> DisplacementField:
    """A smooth random field."""
    rng = np.random.default_rng(seed)
    field = DisplacementField.identity(SHAPE, GRID)
    phases, waves = rng.uniform(0, 6, 3), rng.normal(0, 0.025, (3, 3))
    vectors = amplitude_mm * np.sin(field.voxel_points() @ waves + phases)
    return DisplacementField(vectors.astype(np.float32), GRID)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 12.0))
def test_a_point_moved_forward_comes_back(seed: int, amplitude_mm: float) -> None:
    field = wave(amplitude_mm, seed)
    points = np.random.default_rng(seed).uniform(-120, 120, (200, 3))  # also outside the grid
    if field.jacobian_determinants().min() > 0.1:
        np.testing.assert_allclose(field.in_ct(field.moved(points)), points, atol=1e-3)


def test_the_inverse_field_undoes_the_field() -> None:
    field = wave(6.0)
    both = field.composed(field.inverse())
    inner = both.vectors_mm[4:-4, 4:-4, 4:-4]
    assert np.linalg.norm(inner, axis=-1).max() < 0.35  # linear interpolation on a 4 to 6 mm grid
    assert np.linalg.norm(field.vectors_mm, axis=-1).max() > 6


def test_composition_is_one_map_after_the_other() -> None:
    first, second = wave(5.0, 1), wave(4.0, 2)
    points = first.voxel_points()[3:-3, 3:-3, 3:-3]
    expected = second.in_ct(first.in_ct(points))
    np.testing.assert_allclose(first.composed(second).in_ct(points), expected, atol=1e-4)


def test_beyond_the_grid_a_field_is_unknown_or_goes_on() -> None:
    field = wave(3.0)
    corner = field.voxel_points()[0, 0, 0]
    outside = corner + 3 * (corner - field.voxel_points()[1, 1, 1])
    assert np.isnan(field.at(outside)).all()
    np.testing.assert_allclose(field.at(outside, extend=True), field.vectors_mm[0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(field.at(corner), field.vectors_mm[0, 0, 0], atol=1e-5)


def test_another_grid_holds_the_same_field() -> None:
    gradient = np.array([[0.1, 0.02, 0], [0, -0.05, 0.03], [0.01, 0, 0.08]])
    field = DisplacementField.identity(SHAPE, GRID)
    field = DisplacementField((field.voxel_points() @ gradient.T).astype(np.float32), GRID)
    other = np.diag([3.0, 3.0, 3.0, 1.0])
    other[:3, 3] = field.voxel_points()[10, 11, 12] - 9
    finer = field.on_grid((6, 5, 7), other)
    np.testing.assert_allclose(finer.vectors_mm, finer.voxel_points() @ gradient.T, atol=1e-4)


def test_folds_are_counted() -> None:
    points = DisplacementField.identity(SHAPE, GRID).voxel_points()
    bump = np.zeros((*SHAPE, 3), np.float32)
    bump[..., 2] = 40 * np.exp(-np.square(points / 15).sum(axis=-1))
    assert 0 < DisplacementField(bump, GRID).folding_fraction() < 0.2
    assert DisplacementField(bump / 10, GRID).folding_fraction() == 0


def test_a_warped_scan_goes_on_beyond_its_end_if_wanted() -> None:
    ct = Volume(np.full(SHAPE, 40, np.float32), GRID)
    lower = DisplacementField(np.broadcast_to(np.float32((0, 0, -12)), (*SHAPE, 3)), GRID)
    assert (lower.warp(ct).voxels[:2] == -1000).all()
    assert (lower.warp(ct, extend=True).voxels == 40).all()


@pytest.mark.parametrize("squeeze", [0.7, 1.3])
def test_squeezed_lung_keeps_its_mass_and_soft_tissue_its_density(squeeze: float) -> None:
    points = DisplacementField.identity(SHAPE, GRID).voxel_points()
    vectors = np.zeros((*SHAPE, 3), np.float32)
    vectors[..., 2] = (1 / squeeze - 1) * points[..., 2]
    field = DisplacementField(vectors, GRID)
    for hu, expected in ((-800.0, 200 / squeeze - 1000), (40.0, 40.0), (-1000.0, -1000.0)):
        warped = field.warp(Volume(np.full(SHAPE, hu, np.float32), GRID), extend=True, keep_mass=True)
        np.testing.assert_allclose(warped.voxels, expected, atol=0.5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 8.0))
def test_the_random_deformation_is_smooth_and_keeps_volume(seed: int, deviation_mm: float) -> None:
    axes = tuple(np.arange(n) * 8.0 - 100 for n in (24, 22, 26))
    low = np.array([axis[0] for axis in axes])
    lattice = Lattice(low, axes)
    points = lattice.drawn(deviation_mm, np.ones(lattice.shape), np.random.default_rng(seed))
    matrix = np.diag([8.0, 8.0, 8.0, 1.0])
    matrix[:3, 3] = low
    field = DisplacementField(lattice.displacement_mm(points).astype(np.float32), matrix)
    gradient = np.gradient(field.vectors_mm, 8.0, axis=(2, 1, 0))
    divergence = sum(gradient[n][..., n] for n in range(3))[1:-1, 1:-1, 1:-1]
    assert np.sqrt(sum(np.square(g).sum(axis=-1) for g in gradient)).max() < 1.05 * STEEPEST
    assert np.abs(divergence).max() < 0.05
    assert field.folding_fraction() == 0
    assert field.vectors_mm.std() == pytest.approx(deviation_mm, rel=0.5) or deviation_mm > 3
