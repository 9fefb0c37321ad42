"""The volume's projection beside the film: gain, offset, residual, resolution."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_shapes import GAUSSIANS, c_arm, exact_image, ijk_to_ras_of, relative_error, voxelised
from XRayLib.ct import Volume, hu_from_attenuation
from XRayLib.errors import InputError
from XRayLib.radiograph import Radiograph
from XRayLib.reprojection import fit_gain_offset, reproject

SHAPE = (60, 60, 60)


@pytest.fixture(scope="module")
def volume_hu() -> Volume:
    mu = voxelised(GAUSSIANS, SHAPE, ijk_to_ras_of(SHAPE, 190.0))
    return Volume(hu_from_attenuation(mu.voxels), mu.ijk_to_ras, "HU")


def film(size_px: tuple[int, int], gain: float = 1.0, offset: float = 0.0) -> Radiograph:
    geometry = c_arm(20, 10, size_px)
    return Radiograph((gain * exact_image(GAUSSIANS, geometry) + offset).astype(np.float32), geometry)


def test_a_calibrated_film_of_the_same_object_fits_with_gain_one(volume_hu: Volume) -> None:
    (view,) = reproject(volume_hu, [film((48, 40))])
    assert view.fitted_gain_offset == pytest.approx((1.0, 0.0), abs=6e-3)
    assert view.residual < 5e-3


def test_gain_and_offset_of_an_uncalibrated_film_are_found(volume_hu: Volume) -> None:
    (view,) = reproject(volume_hu, [film((48, 40), gain=2.5, offset=0.4)])
    assert view.fitted_gain_offset == pytest.approx((2.5, 0.4), rel=5e-3)
    assert view.residual < 5e-3


def test_films_of_several_sizes_keep_their_order_and_pixel_grid(volume_hu: Volume) -> None:
    films = [film((48, 40)), film((31, 27)), film((420, 350))]
    views = reproject(volume_hu, films)
    for view, radiograph in zip(views, films, strict=True):
        assert view.radiograph is radiograph
        assert view.reprojection.shape == radiograph.line_integral.shape
        assert relative_error(view.reprojection, radiograph.line_integral) < 8e-3


def test_masked_pixels_do_not_count(volume_hu: Volume) -> None:
    clean = film((48, 40))
    pixels, mask = clean.line_integral.copy(), np.ones((40, 48), bool)
    pixels[:10], mask[:10] = 50.0, False
    (view,) = reproject(volume_hu, [Radiograph(pixels, clean.geometry, mask)])
    assert view.residual < 5e-3


def test_only_counted_pixels_that_the_mask_shows_are_judged(volume_hu: Volume) -> None:
    clean = film((48, 40))
    pixels, mask, counted = clean.line_integral.copy(), np.ones((40, 48), bool), np.ones((40, 48), bool)
    pixels[:10], mask[:10] = 50.0, False
    pixels[30:], counted[30:] = -20.0, False
    masked = Radiograph(pixels, clean.geometry, mask)
    (whole,), (judged,) = reproject(volume_hu, [masked]), reproject(volume_hu, [masked], counted=[counted])
    assert judged.residual < 5e-3 < 0.5 < whole.residual
    assert judged.fitted_gain_offset == pytest.approx((1.0, 0.0), abs=6e-3)


def test_a_volume_that_explains_nothing_has_residual_one() -> None:
    empty = Volume(np.full((4, 4, 4), -1000.0, np.float32), ijk_to_ras_of((4, 4, 4), 100.0), "HU")
    (view,) = reproject(empty, [film((48, 40))])
    assert view.residual == pytest.approx(1.0)
    assert view.fitted_gain_offset[0] == 0.0


def test_films_without_contrast_or_without_pixels_have_no_residual() -> None:
    ramp = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.isnan(fit_gain_offset(ramp, np.full((3, 4), 2.0, np.float32))[2])
    gain, offset, residual = fit_gain_offset(ramp, ramp, np.zeros((3, 4), bool))
    assert (gain, offset) == (1.0, 0.0)
    assert np.isnan(residual)


def test_other_units_are_refused(volume_hu: Volume) -> None:
    with pytest.raises(InputError, match="HU"):
        reproject(Volume(volume_hu.voxels, volume_hu.ijk_to_ras, "mu_per_mm"), [film((8, 8))])
