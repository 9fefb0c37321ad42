"""The whole motion: where each parameter stands, and how uncertain a point is for a given covariance."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.motion import DisplacementField
from XRayRegistrationLib.deformable.body_motion import POSE, SETTLED_POSE_DEVIATION, BodyMotion, body_motion
from XRayRegistrationLib.deformable.bones import bone_pieces

CT = Volume.axis_aligned(np.zeros((12, 10, 11), np.float32), (6.0, 6.0, 6.0), (0.0, 0.0, 0.0))
LEFT_OUT_MM = 1.5


@pytest.fixture(scope="module")
def motion() -> BodyMotion:
    """Four numbers, each of which moves all points at random, and a pose that is kept."""
    rng = np.random.default_rng(0)
    still = DisplacementField.identity((12, 10, 11), CT.ijk_to_ras)
    by_number = [
        DisplacementField(rng.normal(size=(12, 10, 11, 3)).astype(np.float32), CT.ijk_to_ras) for _ in range(4)
    ]
    left_out = replace(still, vectors_mm=np.full_like(still.vectors_mm, LEFT_OUT_MM / np.sqrt(3)))
    soft = SimpleNamespace(
        count=4, left_out_mm=left_out, field=lambda _values: still, derivatives=lambda _values: by_number
    )
    return body_motion(CT, np.eye(4), CT.center_ras_mm, None, soft, SETTLED_POSE_DEVIATION)


def test_parameters_are_pose_then_soft_tissue(motion: BodyMotion) -> None:
    assert motion.number == POSE + 4
    np.testing.assert_array_equal(motion.deviations, [*SETTLED_POSE_DEVIATION, 1, 1, 1, 1])


def test_a_point_is_as_uncertain_as_what_moves_it(motion: BodyMotion) -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(motion.number, motion.number)) * motion.deviations
    covariance = root.T @ root
    found = motion.deviation_mm(np.zeros(motion.number), covariance)
    k, j, i = 3, 4, 2
    place = found.ijk_to_ras[:3, :3] @ (i, j, k) + found.ijk_to_ras[:3, 3]
    arm = place - CT.center_ras_mm
    turns = [np.cross(axis, arm) for axis in np.eye(3)]
    # What leads from now to the CT by u moves the point by -u.
    by_number = [-field.at(place) for field in motion.derivatives(np.zeros(motion.number))]
    slopes = np.stack([*turns, *np.eye(3), *by_number], axis=1)
    expected = np.sqrt(np.trace(slopes @ covariance @ slopes.T) + LEFT_OUT_MM**2)
    assert found.voxels[k, j, i] == pytest.approx(expected, rel=1e-4)
    last = [found.ijk_to_ras @ [*np.array(found.voxels.shape[::-1]) - 1, 1], CT.ijk_to_ras @ [10, 9, 11, 1]]
    np.testing.assert_allclose(*last)  # it covers the CT


def test_what_has_moved_far_is_less_certain(motion: BodyMotion) -> None:
    """The model of breathing is wrong in proportion."""
    far = DisplacementField(np.full((12, 10, 11, 3), 30 / np.sqrt(3), np.float32), CT.ijk_to_ras)
    moved = replace(motion, soft=SimpleNamespace(**{**vars(motion.soft), "field": lambda _values: far}))
    found = moved.deviation_mm(np.zeros(motion.number), np.zeros((motion.number,) * 2)).voxels
    np.testing.assert_allclose(found, np.hypot(LEFT_OUT_MM, 3.0), rtol=1e-5)


def test_the_pose_is_that_of_the_largest_bone(two_bones: Volume) -> None:
    pieces = bone_pieces(replace(two_bones, voxels=np.where(np.arange(40) < 29, two_bones.voxels, 20)))
    assert pieces.masks[0].sum() > 1.3 * pieces.masks[1].sum()
    motion = body_motion(two_bones, np.eye(4), two_bones.center_ras_mm, pieces)
    assert motion.number == POSE + 6
    field = motion.field(np.array([*np.zeros(POSE), 0, 0, 0, 5.0, 0, 0]))
    largest, other = (np.linalg.norm(field.at(middle[None])) for middle in pieces.middles_ras_mm)
    assert largest < 0.1
    assert other > 4.5
