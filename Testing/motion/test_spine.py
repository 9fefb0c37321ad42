"""The line of the spine that organs slide along: where it is, and no farther bent than spines are."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.motion.spine import spine_line

SPACING_MM = 5.0
AXES = [SPACING_MM * (np.arange(n) - (n - 1) / 2) for n in (60, 44, 60)]
KYPHOSIS_MM, HALF_MM = 25.0, 150.0


def true_front_mm(s: np.ndarray) -> np.ndarray:
    """Foremost A of the vertebrae: the middle of the back lies farthest back."""
    return -60.0 + KYPHOSIS_MM * (s / HALF_MM) ** 2


def body_with_spine(disturbed_below_mm: float = -np.inf) -> Volume:
    """A trunk in HU with a bent spine; ``disturbed_below_mm`` a calcified vessel lies far in front of it."""
    s, a, r = np.meshgrid(*AXES[::-1], indexing="ij")
    hu = np.where(np.hypot(r / 140, a / 105) < 1, 30.0, -1000.0)
    behind = true_front_mm(s) - a
    hu[(np.abs(r) < 20) & (behind > 0) & (behind < 30)] = 600.0
    vessel = (np.abs(r - 8) < 8) & (np.abs(behind + 45) < 8) & (s < disturbed_below_mm)
    hu[vessel] = 600.0
    return Volume.axis_aligned(hu.astype(np.float32), (SPACING_MM,) * 3)


def line_of(ct: Volume) -> np.ndarray:
    return spine_line(ct, ct.voxels > -500, AXES)[1]


def test_a_bent_spine_is_followed() -> None:
    np.testing.assert_allclose(line_of(body_with_spine()), true_front_mm(AXES[2]), atol=5.0)


@pytest.mark.parametrize("below_mm", [-125.0, -95.0])
def test_bone_in_front_of_the_last_vertebrae_does_not_bend_the_line(below_mm: float) -> None:
    line = line_of(body_with_spine(disturbed_below_mm=below_mm))
    slope = np.gradient(line, SPACING_MM)
    assert np.abs(slope).max() < 0.5
    assert np.abs(line - true_front_mm(AXES[2]))[15:].max() < 8.0


def test_a_heart_full_of_contrast_medium_does_not_draw_the_line_forward() -> None:
    """Over more than half of the spine: what is dense in front of it goes on to where no vertebra can be."""
    ct = body_with_spine()
    heart = np.abs(AXES[2]) < 90
    s, a, r = np.meshgrid(*AXES[::-1], indexing="ij")
    inside = heart[:, None, None] & (np.abs(r) < 40) & (a > true_front_mm(s) + 15) & (a < 60)
    filled = np.where(inside, 400.0, ct.voxels).astype(np.float32)
    line = line_of(Volume(filled, ct.ijk_to_ras))
    np.testing.assert_allclose(line, true_front_mm(AXES[2]), atol=10.0)


def test_without_bone_the_line_is_straight() -> None:
    ct = body_with_spine()
    soft = Volume(np.minimum(ct.voxels, 30.0), ct.ijk_to_ras)
    assert np.ptp(line_of(soft)) == 0


def test_bone_that_is_only_beside_the_middle_is_no_line() -> None:
    ct = body_with_spine()
    beside = np.abs(np.abs(AXES[0]) - 35) < 10
    behind = (AXES[1] < -60)[:, None] & (ct.voxels > -500)
    apart = np.where(behind & beside, 600.0, np.minimum(ct.voxels, 30.0))
    assert np.ptp(line_of(Volume(apart.astype(np.float32), ct.ijk_to_ras))) == 0
