"""Degenerate geometry is projected rightly, unusable input is refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_shapes import GAUSSIANS, Gaussian, c_arm, exact_image, ijk_to_ras_of, relative_error, voxelised
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.projector import Projector, backproject, pose_gradient, pose_jacobian, project


def view(isocenter: tuple[float, float, float] = (0, 0, 0), depth_mm: float = 700.0) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=15,
        secondary_angle_deg=10,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=depth_mm,
        size_px=(24, 20),
        pixel_spacing_mm=(15.0, 15.0),
        isocenter_ras_mm=isocenter,
    )


def cube(voxels: np.ndarray, extent_mm: float = 100.0) -> Volume:
    return Volume(voxels.astype(np.float32), ijk_to_ras_of(voxels.shape, extent_mm), "mu_per_mm")


def test_a_source_in_the_middle_of_a_symmetric_volume_sees_half_of_it() -> None:
    shapes = (Gaussian(0.02, np.zeros(3), 18.0),)
    shape = (60, 60, 60)
    volume = voxelised(shapes, shape, ijk_to_ras_of(shape, 190.0))
    geometry = view(depth_mm=1e-9)
    half = exact_image(shapes, geometry) / 2
    assert relative_error(project(volume, [geometry])[0], half) < 8e-3


def test_rays_that_miss_the_volume_are_exactly_zero() -> None:
    images, jacobian = pose_jacobian(cube(np.ones((6, 6, 6))), [view(isocenter=(900.0, 0, 0))])
    assert not images.any()
    assert not jacobian.any()


def test_a_volume_behind_the_source_casts_no_shadow() -> None:
    volume = cube(np.ones((6, 6, 6)))
    behind = view(isocenter=tuple(800.0 * view().detector_normal))
    assert behind.depth_mm(np.zeros((1, 3)))[0] < 0
    assert not project(volume, [behind]).any()
    assert not backproject(np.ones((1, 20, 24), np.float32), [behind], volume).any()


def test_a_volume_behind_the_detector_still_counts() -> None:
    near = view()
    far = view(isocenter=tuple(-500.0 * near.detector_normal))
    assert far.depth_mm(np.zeros((1, 3)))[0] > far.source_to_detector_mm
    assert project(cube(np.ones((6, 6, 6))), [far]).max() > 50


@pytest.mark.parametrize("axis", range(3))
def test_one_voxel_thick_volumes_count_with_their_thickness(axis: int) -> None:
    shape = [40, 40, 40]
    shape[axis] = 1
    matrix = ijk_to_ras_of(tuple(shape), 160.0)
    matrix[:3, 2 - axis] *= 12.0 / 160.0
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    slab = Volume(np.ones(shape, np.float32), matrix, "mu_per_mm")
    normal = np.eye(3)[2 - axis]
    geometry = XRayGeometry.from_frame(
        source_ras_mm=-600.0 * normal,
        column_direction=np.roll(normal, 1),
        row_direction=np.roll(normal, 2),
        normal=normal,
        source_to_detector_mm=1000.0,
        size_px=(9, 9),
        pixel_spacing_mm=(20.0, 20.0),
    )
    image = project(slab, [geometry])[0]
    offset = (np.arange(9) - 4) * 20.0
    obliqueness = np.sqrt(1 + np.add.outer(offset**2, offset**2) / 1000.0**2)
    np.testing.assert_allclose(image, 12.0 * obliqueness, rtol=1e-5)


def test_a_single_voxel_is_a_small_box() -> None:
    image = project(cube(np.ones((1, 1, 1)), extent_mm=60.0), [view()])[0]
    assert image.max() == pytest.approx(60.0, rel=0.1)
    assert image[0, 0] == 0.0


def test_a_view_along_a_face_of_the_volume() -> None:
    """The central ray runs exactly inside the outermost plane of voxels, parallel to two axes' faces."""
    volume = cube(np.ones((5, 5, 5)), extent_mm=50.0)
    geometry = XRayGeometry.from_frame(
        source_ras_mm=(20.0, -500.0, 20.0),
        column_direction=(-1, 0, 0),
        row_direction=(0, 0, -1),
        normal=(0, 1, 0),
        source_to_detector_mm=1000.0,
        size_px=(1, 1),
        pixel_spacing_mm=(1.0, 1.0),
    )
    assert project(volume, [geometry])[0, 0, 0] == pytest.approx(40.0, rel=1e-6)


def test_a_one_pixel_and_a_one_row_detector() -> None:
    shape = (20, 20, 20)
    volume = voxelised(GAUSSIANS, shape, ijk_to_ras_of(shape, 190.0))
    full = project(volume, [c_arm(20, 0, (9, 7))])[0]
    row = project(volume, [c_arm(20, 0, (9, 7)).cropped(0, 3, (9, 1))])[0]
    np.testing.assert_allclose(row[0], full[3], atol=1e-6)


def test_arrays_need_not_be_contiguous() -> None:
    random = np.random.default_rng(0)
    images = random.random((1, 24, 20), dtype=np.float32).transpose(0, 2, 1)
    volume = cube(random.random((6, 7, 8)).transpose(2, 0, 1))
    plain = backproject(np.ascontiguousarray(images), [view()], volume)
    np.testing.assert_array_equal(backproject(images, [view()], volume), plain)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_voxels_that_are_not_numbers_are_refused(bad: float) -> None:
    voxels = np.ones((7, 7, 7))
    voxels[3, 3, 3] = bad
    with pytest.raises(InputError, match="not numbers"):
        project(cube(voxels), [view()])
    with pytest.raises(InputError, match="not numbers"):
        pose_jacobian(cube(voxels), [view()])


def test_images_that_are_not_numbers_are_refused() -> None:
    image = np.full((1, 20, 24), np.nan, np.float32)
    with pytest.raises(InputError, match="not numbers"):
        backproject(image, [view()], cube(np.ones((4, 4, 4))))


def test_no_views_and_mixed_sizes_are_refused() -> None:
    volume = cube(np.ones((4, 4, 4)))
    with pytest.raises(InputError, match="at least one view"):
        project(volume, [])
    with pytest.raises(InputError, match="same size"):
        project(volume, [view(), view().resampled((5, 5))])


def test_images_that_do_not_fit_the_views_are_refused() -> None:
    volume = cube(np.ones((4, 4, 4)))
    with pytest.raises(InputError, match=r"\(1, 20, 24\)"):
        backproject(np.ones((1, 24, 20), np.float32), [view()], volume)
    with pytest.raises(InputError, match=r"\(1, 20, 24\)"):
        pose_gradient(volume, [view()], np.ones((20, 24), np.float32))


def test_volumes_in_hounsfield_units_are_refused() -> None:
    with pytest.raises(InputError, match="mu_per_mm"):
        Projector(Volume(np.zeros((4, 4, 4), np.float32), np.eye(4), "HU"))
