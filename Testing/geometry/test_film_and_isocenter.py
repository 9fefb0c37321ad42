"""Films without geometry, and where several views look."""

from __future__ import annotations

import numpy as np
import pytest
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, assumed_film_geometry, isocenter_depth_mm, isocenter_of

LEFT, FRONT, HEAD = (-50.0, 0.0, 0.0), (0.0, 50.0, 0.0), (0.0, 0.0, 50.0)


def _c_arm(primary: float, secondary: float = 0.0, isocenter: tuple[float, ...] = (0, 0, 0)) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=650,
        size_px=(101, 101),
        pixel_spacing_mm=(2, 2),
        isocenter_ras_mm=isocenter,
    )


@pytest.mark.parametrize(
    ("view", "image_right", "detector_side"),
    [("PA", LEFT, FRONT), ("ap", LEFT, (0, -50, 0)), ("LL", (0, -50, 0), LEFT), ("rl", FRONT, (50, 0, 0))],
)
def test_films_hang_as_they_are_read(view: str, image_right: tuple, detector_side: tuple) -> None:
    geometry = assumed_film_geometry(view, (351, 431))
    (middle,), (right,), (head,) = (geometry.project([p]) for p in ((0, 0, 0), image_right, HEAD))
    np.testing.assert_allclose(middle, (175, 215), atol=1e-9)
    assert right[0] > middle[0] and right[1] == pytest.approx(middle[1])
    assert head[1] < middle[1] and head[0] == pytest.approx(middle[0])
    assert geometry.detector_normal @ detector_side == pytest.approx(50)


def test_every_assumption_about_a_film_is_stated() -> None:
    geometry = assumed_film_geometry("PA", (3000, 2500))
    assert geometry.pixel_spacing_mm == pytest.approx((430 / 3000,) * 2)
    assert (geometry.source_to_detector_mm, geometry.source_to_isocenter_mm) == (1800, 1600)
    assert geometry.source_ras_mm == pytest.approx((0, -1600, 0))
    text = " ".join(geometry.assumed)
    for stated in ("PA view", "430 mm", "1800 mm", "1600 mm"):
        assert stated in text
    known_spacing = assumed_film_geometry("PA", (3000, 2500), (0.15, 0.15))
    assert "430" not in " ".join(known_spacing.assumed)


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(InputError, match="PA, AP, LL, RL"):
        assumed_film_geometry("oblique", (10, 10))


def test_two_central_rays_meet_in_the_isocenter() -> None:
    point = (12.0, -7.0, 180.0)
    for other in ((90, 0), (30, 20), (-15, 0)):
        views = [_c_arm(0, 0, point), _c_arm(*other, point)]
        np.testing.assert_allclose(isocenter_of(views), point, atol=1e-6)


def test_skew_central_rays_meet_in_the_middle() -> None:
    views = [_c_arm(0, 0, (0, 0, 5)), _c_arm(90, 0, (0, 0, -5))]
    np.testing.assert_allclose(isocenter_of(views), (0, 0, 0), atol=1e-6)


def test_one_view_and_parallel_views_use_their_known_depth() -> None:
    np.testing.assert_allclose(isocenter_of([_c_arm(40, 10, (1, 2, 3))]), (1, 2, 3), atol=1e-6)
    np.testing.assert_allclose(isocenter_of([_c_arm(0), _c_arm(180)]), (0, 0, 0), atol=1e-6)
    np.testing.assert_allclose(isocenter_of([_c_arm(0), _c_arm(3)]), (0, 0, 0), atol=1e-6)


def test_an_unknown_depth_is_assumed_and_said() -> None:
    known = _c_arm(0)
    assert isocenter_depth_mm(known) == (650, "")
    unknown = XRayGeometry(known.ras_to_pixel, known.size_px, known.pixel_spacing_mm, known.source_to_detector_mm)
    depth_mm, phrase = isocenter_depth_mm(unknown)
    assert depth_mm == 800 and "800 mm" in phrase
    np.testing.assert_allclose(isocenter_of([unknown]), (0, 150, 0), atol=1e-6)


def test_no_view_has_no_isocenter() -> None:
    with pytest.raises(InputError):
        isocenter_of([])


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("flip_columns", [False, True])
@pytest.mark.parametrize("flip_rows", [False, True])
def test_turned_image_axes_move_the_geometry_along(transpose: bool, flip_columns: bool, flip_rows: bool) -> None:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=25,
        secondary_angle_deg=10,
        source_to_detector_mm=1000,
        source_to_isocenter_mm=650,
        size_px=(9, 7),
        pixel_spacing_mm=(2, 3),
        principal_point_px=(3.2, 2.1),
    )
    image = np.arange(63.0).reshape(7, 9)
    turned_image = image.T if transpose else image
    turned_image = turned_image[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    turned = geometry.with_axes(transpose=transpose, flip_columns=flip_columns, flip_rows=flip_rows)
    assert turned_image.shape == turned.size_px[::-1]
    on_detector = geometry.pixel_to_ras @ (6, 4, 0, 1)
    column, row = np.rint(turned.project(on_detector[:3])[0]).astype(int)
    assert turned_image[row, column] == image[4, 6]
    np.testing.assert_allclose(turned.source_ras_mm, geometry.source_ras_mm, atol=1e-6)
