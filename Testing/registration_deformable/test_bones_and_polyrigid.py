"""Bones found in a CT, and fields in which each of them moves as a whole."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.projector.rigid import motion_from_twist
from XRayRegistrationLib.deformable.body_motion import field_grid
from XRayRegistrationLib.deformable.bones import BonePieces, bone_pieces
from XRayRegistrationLib.deformable.polyrigid import PolyrigidMotion

TWISTS = np.array([[0.06, -0.04, 0.08, 3.0, -2.0, 1.0], [-0.05, 0.07, 0.02, -2.0, 4.0, 2.0]])


@pytest.fixture
def motion(two_bones: Volume) -> tuple[BonePieces, PolyrigidMotion]:
    bones = bone_pieces(two_bones)
    grid = field_grid(two_bones)
    return bones, PolyrigidMotion(bones, grid.vectors_mm.shape[:3], grid.ijk_to_ras)


def points_of(bones: BonePieces, number: int) -> np.ndarray:
    ijk = np.argwhere(bones.masks[number])[:, ::-1]
    return ijk @ bones.ijk_to_ras[:3, :3].T + bones.ijk_to_ras[:3, 3]


def test_bones_that_do_not_touch_are_pieces_the_largest_first(two_bones: Volume) -> None:
    bones = bone_pieces(two_bones)
    assert len(bones) == 2
    assert bones.masks[0].sum() > bones.masks[1].sum()
    expected = two_bones.ijk_to_ras[:3, :3] @ (28.5, 14.5, 19.5) + two_bones.ijk_to_ras[:3, 3]
    np.testing.assert_allclose(bones.middles_ras_mm[0], expected, atol=0.1)


def test_labels_say_which_bones_belong_together(two_bones: Volume) -> None:
    numbers = np.zeros_like(two_bones.voxels)
    numbers[8:20, 12:18, 8:13] = 30  # a lumbar vertebra and a rib: the trunk
    numbers[20:32, 12:18, 8:13] = 95
    numbers[8:32, 12:18, 26:32] = 75
    bones = bone_pieces(two_bones, Volume(numbers, two_bones.ijk_to_ras, "label"))
    assert len(bones) == 2
    assert [mask.sum() for mask in bones.masks] == [24 * 6 * 6, 24 * 6 * 5]


def test_specks_are_no_bones(two_bones: Volume) -> None:
    voxels = np.where(two_bones.voxels > 500, 20, two_bones.voxels)
    voxels[20, 15, 20] = 1500
    assert len(bone_pieces(Volume(voxels, two_bones.ijk_to_ras))) == 0


def test_without_twists_nothing_moves(motion) -> None:
    assert not motion[1].field(np.zeros((2, 6))).vectors_mm.any()


def test_each_bone_moves_as_a_whole_and_nothing_folds(motion) -> None:
    bones, polyrigid = motion
    field = polyrigid.field(TWISTS)
    assert field.folding_fraction() == 0
    for number, twist in enumerate(TWISTS):
        in_ct = points_of(bones, number)
        back = motion_from_twist(twist, bones.middles_ras_mm[number])
        now = (in_ct - back[:3, 3]) @ back[:3, :3]
        assert np.linalg.norm(now - in_ct, axis=1).mean() > 3
        np.testing.assert_allclose(field.in_ct(now), in_ct, atol=0.5)


def test_the_derivatives_are_those_of_the_field(motion) -> None:
    _, polyrigid = motion
    derivatives = polyrigid.derivatives()
    for number in range(12):
        twists = np.zeros(12)
        twists[number] = 1e-3
        change = polyrigid.field(twists.reshape(2, 6)).vectors_mm / 1e-3
        scale = np.abs(derivatives[number]).max()
        np.testing.assert_allclose(change, derivatives[number], atol=0.02 * scale)
