"""Where a CT ends its films end: seen on exact films, and on films with heel effect and scatter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from chests import chest, film, volume
from scipy import ndimage
from XRayLib.data_consistency import made_consistent
from XRayLib.metrics.compare_results import metric_rows
from XRayLib.reprojection import reproject
from XRayLib.tomography import films_at, shown_lengthwise, shown_rays

ENDING = chest()
ENDING[:8] = ENDING[-8:] = -1000


def hard(exact):
    """A film with scatter, a heel effect of 0.4 line integrals and a bright tone curve, of unknown gain."""
    primary = np.exp(-exact.line_integral)
    scattered = primary + 1.5 * primary[20:44, 20:44].mean() * ndimage.gaussian_filter(primary < 0.5, 8.0, output=float)
    heel = np.linspace(0, 0.4, len(primary))[:, None]
    attenuated = heel - np.log(scattered)
    attenuated -= attenuated.min()
    toned = (attenuated / attenuated.max()) ** 0.75
    return dataclasses.replace(exact, line_integral=toned.astype(np.float32), calibrated=False)


@pytest.mark.parametrize("degrees", [0.0, 90.0, 40.0])
def test_hard_films_end_where_exact_ones_do(degrees):
    exact = film(ENDING, degrees)
    counted = [shown_lengthwise(films_at([f], 9.0))[0].any(axis=1) for f in (exact, hard(exact))]
    assert 0.3 < counted[0].mean() < 0.7
    assert np.abs(counted[0].astype(int) - counted[1]).sum() <= 2


def test_a_patient_up_to_the_edges_is_counted_everywhere():
    for exact in (film(chest(), 0.0), film(chest(), 90.0)):
        assert shown_lengthwise(films_at([exact, hard(exact)], 9.0)).all()


def test_rays_are_told_on_the_films_own_pixels():
    exact = film(ENDING, 0.0)
    (rays,) = shown_rays([exact])
    assert rays.shape == exact.line_integral.shape
    coarse = shown_lengthwise(films_at([exact], 9.0))[0]
    assert rays.mean() == pytest.approx(coarse.mean(), abs=0.05)


def test_a_volume_that_goes_on_is_judged_by_what_the_films_show():
    films = [film(ENDING, 0.0)]
    (whole,) = reproject(volume(chest()), films, "cpu")
    (shown,) = reproject(volume(chest()), films, "cpu", shown_rays(films))
    assert shown.residual < 0.05 < 0.5 < whole.residual
    spared, strict = (made_consistent(volume(chest()), films, device="cpu", goes_on_beyond=b) for b in (True, False))
    assert spared.views[0].residual < 0.05
    assert strict.quality["reprojection_residual_before_1"] == pytest.approx(whole.residual)


def test_a_comparison_holds_the_same_rays_against_all():
    volumes = {"goes on": volume(chest()), "ends": volume(ENDING)}
    (row,) = metric_rows(volumes, None, [film(ENDING, 0.0)])
    assert row.values["goes on"] < 0.05 > row.values["ends"]
