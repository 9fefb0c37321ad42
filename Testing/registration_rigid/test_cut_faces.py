"""Pixels that a CT can explain, and those where the patient goes on beyond the scan."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.ct import Volume
from XRayLib.simulate import c_arm_views
from XRayRegistrationLib.rigid.cut_faces import CutFaces


def cylinder(shape_kji: tuple[int, int, int] = (50, 40, 40), spacing_mm: float = 4.0) -> Volume:
    """Water along S through the whole scan: cut at both ends, air around."""
    _, j, i = np.indices(shape_kji)
    inside = (i - 19.5) ** 2 + (j - 19.5) ** 2 < 12**2
    return Volume.axis_aligned(np.where(inside, 0, -1000).astype(np.float32), (spacing_mm,) * 3)


def test_a_body_that_ends_inside_the_scan_is_cut_nowhere() -> None:
    k, j, i = np.indices((40, 40, 40))
    ball = (i - 20) ** 2 + (j - 20) ** 2 + (k - 20) ** 2 < 14**2
    ct = Volume.axis_aligned(np.where(ball, 0, -1000).astype(np.float32), (4.0,) * 3)
    faces = CutFaces(ct)
    assert faces.number == 0
    (view,) = c_arm_views(ct, [(0, 0)], size_px=(64, 64), pixel_spacing_mm=6.0)
    assert faces.explained(view).all()


def test_rays_that_leave_through_a_cut_end_or_pass_beyond_it_do_not_count() -> None:
    ct = cylinder()
    faces = CutFaces(ct)
    assert faces.number == 2
    (view,) = c_arm_views(ct, [(0, 0)], size_px=(81, 81), pixel_spacing_mm=6.0)
    explained = faces.explained(view)
    middle = explained[:, 40]
    assert middle[35:46].all()
    assert not middle[:5].any()
    assert not middle[-5:].any()
    # Half the scan is 100 mm; at the cylinder's near side, 48 mm towards the source, that is
    # 100 * 1020 / (700 - 48) mm on the detector: rays above that leave through the end.
    edge_px = 40 - 100 * 1020 / (700 - 48) / 6.0
    first = int(np.flatnonzero(middle)[0])
    assert abs(first - edge_px) < 3


def test_air_beside_the_patient_counts() -> None:
    ct = cylinder()
    (view,) = c_arm_views(ct, [(0, 0)], size_px=(81, 81), pixel_spacing_mm=6.0)
    row = CutFaces(ct).explained(view)[40]
    assert row.all()


def test_skin_that_only_touches_the_box_is_not_cut() -> None:
    """A CT cropped to the patient: both sides, chest and back reach the outermost planes."""
    _, j, i = np.indices((50, 40, 60))
    trunk = ((i - 29.5) / 30) ** 2 + ((j - 19.5) / 20) ** 2 < 1
    ct = Volume.axis_aligned(np.where(trunk, 0, -1000).astype(np.float32), (4.0,) * 3)
    assert ct.voxels[:, 0].max() == ct.voxels[:, -1].max() == ct.voxels[:, :, 0].max() == 0
    faces = CutFaces(ct)
    assert faces.number == 2
    frontal, lateral = c_arm_views(ct, [(0, 0), (90, 0)], size_px=(81, 81), pixel_spacing_mm=6.0)
    for view in (frontal, lateral):
        assert faces.explained(view)[40].all()


def test_a_field_of_view_through_the_flank_cuts() -> None:
    _, j, i = np.indices((50, 40, 40))
    ct = Volume.axis_aligned(np.where((i - 28) ** 2 + (j - 20) ** 2 < 18**2, 0, -1000).astype(np.float32), (4.0,) * 3)
    faces = CutFaces(ct)
    assert faces.number == 3
    (lateral,) = c_arm_views(ct, [(90, 0)], size_px=(81, 81), pixel_spacing_mm=6.0)
    assert not faces.explained(lateral)[40, 40]


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_a_cut_shows_behind_a_half_empty_or_oblique_end(slope: float) -> None:
    """Air fills the rest of the last planes, as after resampling to other axes."""
    ct = cylinder()
    k, _, i = np.indices(ct.voxels.shape)
    beyond = k > 48.5 - slope * (i - 31)
    assert 0 < beyond[-1].mean() <= 1
    ended = Volume(np.where(beyond, np.float32(-1000), ct.voxels), ct.ijk_to_ras)
    faces = CutFaces(ended)
    assert faces.number == 2
    (view,) = c_arm_views(ended, [(0, 0)], size_px=(81, 81), pixel_spacing_mm=6.0)
    assert not faces.explained(view)[:5, 40].any()
