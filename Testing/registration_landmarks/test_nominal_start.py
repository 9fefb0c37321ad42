"""Where a CT is expected from the films' geometry alone."""

from __future__ import annotations

import numpy as np
import pytest
from picked import c_arm
from XRayLib.case import Case
from XRayLib.ct import Volume
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, assumed_film_geometry
from XRayLib.radiograph import Radiograph
from XRayRegistrationLib.rigid.nominal import nominal_start

CT = Volume.axis_aligned(np.zeros((30, 20, 20), np.float32), (10.0, 10.0, 10.0), (-30.0, 140.0, 900.0))


def case_of(*geometries: XRayGeometry, ct: Volume | None = CT) -> Case:
    films = tuple(Radiograph(np.zeros(g.size_px[::-1], np.float32), g) for g in geometries)
    return Case(films, ct=ct)


def test_the_middle_of_the_ct_lies_at_the_isocentre_of_a_c_arm() -> None:
    start = nominal_start(case_of(c_arm(20), c_arm(95)))
    np.testing.assert_array_equal(start[:3, :3], np.eye(3))
    np.testing.assert_allclose(start @ [*CT.center_ras_mm, 1], [0, 0, 0, 1], atol=1e-9)


def test_one_film_puts_it_at_the_stated_depth() -> None:
    geometry = c_arm(30, 10)
    start = nominal_start(case_of(geometry))
    middle = (start @ [*CT.center_ras_mm, 1])[:3]
    assert geometry.depth_mm(middle)[0] == pytest.approx(700)
    np.testing.assert_allclose(geometry.project(middle), [geometry.principal_point_px], atol=1e-6)


def test_a_chest_film_puts_it_where_the_patient_stands() -> None:
    geometry = assumed_film_geometry("PA", (350, 430))
    middle = (nominal_start(case_of(geometry)) @ [*CT.center_ras_mm, 1])[:3]
    assert geometry.depth_mm(middle)[0] == pytest.approx(1600)


def test_films_in_the_frame_of_the_ct_leave_it_where_it_is() -> None:
    centred = [
        XRayGeometry.from_c_arm(
            primary_angle_deg=angle,
            secondary_angle_deg=0,
            source_to_detector_mm=1020,
            source_to_isocenter_mm=700,
            size_px=(512, 512),
            pixel_spacing_mm=(0.8, 0.8),
            isocenter_ras_mm=CT.center_ras_mm + np.array([20, 0, -30]),
            frame="RAS of the CT",
        )
        for angle in (0.0, 90.0)
    ]
    np.testing.assert_array_equal(nominal_start(case_of(*centred)), np.eye(4))
    # The words are not enough: the films must look at this CT.
    far = Volume.axis_aligned(CT.voxels, (10.0, 10.0, 10.0), (0.0, 0.0, -2000.0))
    middle = (nominal_start(case_of(*centred, ct=far)) @ [*far.center_ras_mm, 1])[:3]
    np.testing.assert_allclose(middle, CT.center_ras_mm + np.array([20, 0, -30]), atol=1e-6)


def test_without_ct_or_film_there_is_no_start() -> None:
    with pytest.raises(InputError, match="CT"):
        nominal_start(case_of(c_arm(), ct=None))
    with pytest.raises(InputError, match="X-ray"):
        nominal_start(case_of())
