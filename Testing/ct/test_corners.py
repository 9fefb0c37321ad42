"""Corners of volumes and boxes."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.geometry.box import box_corners


def test_corners_are_the_outermost_voxels_of_an_oblique_volume() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn * (1.0, 2.0, 3.0), (5, -6, 7)
    volume = Volume(np.zeros((4, 3, 2), np.float32), matrix)
    corners = volume.corners_ras_mm
    assert corners.shape == (8, 3)
    assert corners[0] == pytest.approx(matrix[:3, 3])
    assert corners[-1] == pytest.approx((matrix @ (1, 2, 3, 1))[:3])
    assert corners.mean(axis=0) == pytest.approx(volume.center_ras_mm)
    assert len(np.unique(corners.round(6), axis=0)) == 8


def test_a_box_has_each_combination_of_its_ends() -> None:
    corners = box_corners((0, 10, 20), (1, 12, 23))
    assert {tuple(corner) for corner in corners} == {(r, a, s) for r in (0, 1) for a in (10, 12) for s in (20, 23)}
