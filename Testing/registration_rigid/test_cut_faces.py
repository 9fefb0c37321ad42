"""Pixels that a CT can explain, and those where the patient goes on beyond the scan."""

from __future__ import annotations

import numpy as np
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
