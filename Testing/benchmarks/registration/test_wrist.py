"""Real biplane films: the bones are found in both cameras, and a voxel size that is known comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ray_marching import march
from wrist import (
    COARSE,
    FINE,
    MIDDLE,
    disagreement_mm,
    displaced,
    found,
    matched,
    matcher_of,
    near_shadow,
    solved_voxel_mm,
    start_poses,
)
from wrist_data import bone_of, films_about, triangulated, wrist_folder
from XRayLib.radiograph import Radiograph

VOXEL_MM = (0.388, 0.63)

pytestmark = pytest.mark.real_data


@pytest.fixture(autouse=True, scope="module")
def wrist_films(patient_data: Path) -> None:
    if not wrist_folder().is_dir():
        pytest.skip("biplane films not found: set XRAY3D_DATA")


def test_both_cameras_agree_where_the_beads_are() -> None:
    from wrist_data import cameras

    for pixels in (((860, 1294), (799.6, 1339)), ((837, 1347), (799.9, 1393.6)), ((968, 1447), (507.8, 1437.1))):
        point = triangulated(np.array(pixels))
        for camera, pixel in zip(cameras(), pixels, strict=True):
            assert np.linalg.norm(camera.project(point)[0] - pixel) < 1.5


def test_radius_is_found_in_both_cameras_and_its_mirror_image_is_not() -> None:
    bone, films = bone_of("radius", VOXEL_MM), films_about("0099", "radius")
    start = matched(bone, films, start_poses(bone, "0099", "radius")[1], [COARSE]).ct_to_world
    state = matched(bone, films, start, [MIDDLE, FINE])
    for film in near_shadow(bone, films, state.ct_to_world):
        assert matcher_of(bone, [film], FINE).match([state.ct_to_world])[0].similarity > 0.7
    mirrored = found(bone_of("radius", VOXEL_MM, mirrored=True), "0099", "radius", 60)
    fitted = matched(bone, films, start, [MIDDLE])
    assert mirrored.cost > 1.2 * fitted.cost


def test_two_cameras_lead_back_where_one_sees_no_depth() -> None:
    bone, films = bone_of("radius", VOXEL_MM), films_about("0158", "radius")
    pose = matched(bone, films, start_poses(bone, "0158", "radius")[1], [COARSE]).ct_to_world
    joint = matched(bone, films, pose, [MIDDLE, FINE]).ct_to_world
    start = displaced(bone, joint, films[0])
    alone = matched(bone, [films[0]], start, [COARSE, MIDDLE, FINE]).ct_to_world
    both = matched(bone, films, start, [COARSE, MIDDLE, FINE]).ct_to_world
    assert disagreement_mm(bone, joint, start, films[1]) > 1.5
    assert disagreement_mm(bone, joint, alone, films[0]) < 1
    assert max(disagreement_mm(bone, joint, both, film) for film in films) < 0.5


def test_a_known_voxel_size_is_solved_for() -> None:
    true_mm, films = (0.41, 0.59), films_about("0099", "radius")
    bone = bone_of("radius", true_mm)
    pose = start_poses(bone, "0099", "radius")[3]
    tissues = np.stack([bone.mu.voxels, np.zeros_like(bone.mu.voxels)], axis=-1)
    drawn = []
    for film in films:
        columns, rows = film.geometry.size_px
        coarse = film.geometry.resampled((columns // 2, rows // 2))
        image = march(tissues, bone.mu.ijk_to_ras, coarse.moved(pose), step_mm=0.2)[0]
        view = replace(coarse, source_to_isocenter_mm=film.geometry.source_to_isocenter_mm)
        drawn.append(Radiograph(np.maximum(image + 0.3, 0), view, mask=np.ones(image.shape, bool)))
    solved, _ = solved_voxel_mm("radius", drawn, pose, (0.395, 0.61))
    np.testing.assert_allclose(solved, true_mm, rtol=0.004)
