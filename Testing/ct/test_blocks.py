"""Blocks of voxels cover the region that their voxels cover, and hold their means."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.ct.blocks import block_mean, in_blocks, interpolated_from_blocks


def test_a_block_holds_the_mean_of_its_voxels() -> None:
    cube = Volume.axis_aligned(np.arange(64, dtype=np.float32).reshape(4, 4, 4), (1.0,) * 3)
    assert block_mean(cube, 4.0).voxels == pytest.approx(31.5)


def test_blocks_cover_the_same_region() -> None:
    ijk_to_ras = np.array([[0.0, -2.0, 0.1, 5.0], [1.0, 0.0, 0.0, -7.0], [0.0, 0.2, 3.0, 11.0], [0.0, 0.0, 0.0, 1.0]])
    factors = np.array([2.0, 3.0, 1.5])
    low = np.full(3, -0.5)
    for share in (0.0, 0.25, 1.0):
        fine = low + share * factors * 8
        coarse = low + share * 8
        placed = in_blocks(ijk_to_ras, factors) @ [*coarse, 1.0]
        assert placed == pytest.approx(ijk_to_ras @ [*fine, 1.0])


def test_an_incomplete_block_repeats_the_last_plane() -> None:
    volume = Volume.axis_aligned(
        np.arange(5, dtype=np.float32)[:, None, None] * np.ones((5, 2, 2), np.float32), (1,) * 3
    )
    assert block_mean(volume, 2.0).voxels[:, 0, 0] == pytest.approx([0.5, 2.5, 4.0])


def test_a_ramp_comes_back_from_its_blocks() -> None:
    ramp = np.broadcast_to(np.arange(12, dtype=np.float32)[:, None, None], (12, 8, 8)).copy()
    volume = Volume.axis_aligned(ramp, (1.0,) * 3)
    back = interpolated_from_blocks(block_mean(volume, 4.0).voxels, volume, 4.0)
    assert back[2:-2] == pytest.approx(ramp[2:-2], abs=1e-4)
