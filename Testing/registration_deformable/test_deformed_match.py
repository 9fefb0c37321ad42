"""The match of a deformed CT: derivatives against differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.motion import DisplacementField
from XRayLib.projector import Projector
from XRayLib.simulate import c_arm_views, simulate_radiograph
from XRayRegistrationLib.deformable.body_motion import body_motion, field_grid
from XRayRegistrationLib.deformable.bones import bone_pieces
from XRayRegistrationLib.deformable.fitting import fit, posterior
from XRayRegistrationLib.deformable.matching import DeformedMatcher
from XRayRegistrationLib.deformable.volume_levels import volume_level
from XRayRegistrationLib.rigid.cut_faces import CutFaces
from XRayRegistrationLib.rigid.film_pyramid import films_at

TRUE = np.array([0.02, -0.01, 0.03, 2.0, -1.0, 1.5, *[-0.03, 0.05, 0.01, -2, 1, 3]])
"""The pose, which is that of the first bone, and the other bone's own motion."""


@pytest.fixture(scope="module")
def matcher(two_bones: Volume) -> DeformedMatcher:
    """Films of the two bones, turned and shifted differently, and the CT with both as they were."""
    motion = body_motion(two_bones, np.eye(4), two_bones.center_ras_mm, bone_pieces(two_bones))
    field = motion.field(TRUE).on_grid(two_bones.voxels.shape, two_bones.ijk_to_ras)
    now = field.warp(two_bones, extend=True)
    pose = motion.ct_to_world(TRUE)
    views = c_arm_views(two_bones, [(0, 0), (70, 0)], size_px=(80, 80), pixel_spacing_mm=4.0)
    films = [replace(simulate_radiograph(now, view.moved(pose)), geometry=view) for view in views]
    return DeformedMatcher(
        volume_level(two_bones, 5.0), films_at(films, 5.0, 11), CutFaces(two_bones), 11, motion, "cpu"
    )


def test_line_integrals_change_with_the_displacement_as_predicted(two_bones: Volume) -> None:
    """By fields of two grids at once, in the pixels that are asked for."""
    level, grid = volume_level(two_bones, 5.0), field_grid(two_bones)
    wave = replace(grid, vectors_mm=np.sin(grid.voxel_points() / 40).astype(np.float32))
    coarse = DisplacementField.identity((8, 6, 8), two_bones.ijk_to_ras @ np.diag([6.0, 6.0, 6.0, 1.0]))
    slope = replace(coarse, vectors_mm=np.cos(coarse.voxel_points() / 60).astype(np.float32))
    (view,) = c_arm_views(two_bones, [(20, 10)], size_px=(60, 60), pixel_spacing_mm=5.0)
    mask = np.ones((60, 60), bool)
    mask[:5] = False
    found = level.deformed(grid).changes([wave, slope, wave], view, mask)
    np.testing.assert_array_equal(found[0], found[2])
    assert not found[:, :5].any()
    for field, predicted in zip((wave, slope), found, strict=False):
        on_grid = field.on_grid(grid.vectors_mm.shape[:3], grid.ijk_to_ras).vectors_mm
        displaced = (replace(grid, vectors_mm=np.float32(share) * on_grid) for share in (0.5, -0.5))
        ahead, behind = (Projector(level.deformed(d).attenuation, device="cpu").project([view])[0] for d in displaced)
        difference = (ahead - behind)[5:]
        assert np.abs(predicted[5:] - difference).mean() < 0.12 * np.abs(difference).mean()
    assert level.deformed(grid).attenuation.voxels == pytest.approx(attenuation_from_hu(two_bones.voxels))


def test_the_gradient_is_that_of_the_cost(matcher: DeformedMatcher) -> None:
    rest = np.zeros(len(TRUE))
    gradient = -2 * matcher.match(rest).gradient  # the normal equations belong to half the cost and lead downhill
    for number, deviation in enumerate(matcher.motion.deviations):
        step = rest.copy()
        step[number] = 0.01 * deviation
        slope = (matcher.match(step).cost - matcher.match(-step).cost) / 0.02
        assert gradient[number] * deviation == pytest.approx(slope, rel=0.1, abs=2e-3)


def test_bones_are_found_where_they_are(matcher: DeformedMatcher) -> None:
    start = matcher.match(np.zeros(len(TRUE)))
    state = fit([matcher], [np.zeros(len(TRUE))])
    assert state.cost < 0.1 * start.cost
    fields = [matcher.motion.field(parameters) for parameters in (TRUE, state.parameters)]
    poses = [matcher.motion.ct_to_world(parameters) for parameters in (TRUE, state.parameters)]
    bones = bone_pieces(matcher.level.ct)
    for mask in bones.masks:
        in_ct = np.argwhere(mask)[:, ::-1] @ bones.ijk_to_ras[:3, :3].T + bones.ijk_to_ras[:3, 3]
        moved = [field.moved(in_ct) @ pose[:3, :3].T + pose[:3, 3] for field, pose in zip(fields, poses, strict=True)]
        assert np.linalg.norm(moved[0] - moved[1], axis=1).mean() < 1.0


def test_the_posterior_knows_what_the_films_do_not_show(matcher: DeformedMatcher) -> None:
    """One view says little about depth: the posterior stays near the prior there, and far below it across."""
    frontal = matcher.of_views([0])
    found = posterior(frontal.match(TRUE), frontal, 500.0)
    deviation = np.sqrt(np.diag(found.covariance)) / frontal.motion.deviations
    assert deviation[3] < 0.1  # right - left
    assert deviation[4] > 3 * deviation[3]  # along the beam
    assert (deviation < 1.001).all()


def test_a_motion_that_folds_is_no_match(matcher: DeformedMatcher) -> None:
    folding = TRUE.copy()
    folding[6 + 3] = 240.0
    assert matcher.match(folding).cost == np.inf
