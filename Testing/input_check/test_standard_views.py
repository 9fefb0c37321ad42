"""Methods that take any view check the frontal and the lateral ones among them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from X2CTReconLib.input_check.standard_views import standard_view_warnings
from XRayLib.errors import RefusedError
from XRayLib.phantom import torso_phantom
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import c_arm_views, simulate_radiograph

CT = torso_phantom(3, spacing_mm=5.0).ct


def film(primary_deg: float) -> Radiograph:
    (view,) = c_arm_views(CT, [(primary_deg, 0)], size_px=(128, 128), pixel_spacing_mm=3.4)
    return simulate_radiograph(CT, view, realism="mild", seed=1)


def turned(radiograph: Radiograph) -> Radiograph:
    """Upside down, with the geometry of the upright one."""
    return dataclasses.replace(radiograph, line_integral=radiograph.line_integral[::-1, ::-1].copy(), mask=None)


def told(*radiographs: Radiograph) -> str:
    try:
        return " ".join(standard_view_warnings(radiographs, CT.center_ras_mm))
    except RefusedError as error:
        return str(error)


def test_upright_films_pass():
    assert told(film(0), film(90), film(40)) == ""


def test_a_film_upside_down_is_told_among_others():
    assert "upside down" in told(film(40), turned(film(0)))


def test_oblique_films_are_not_judged():
    assert told(turned(film(40))) == ""


def test_the_same_picture_for_both_views_is_refused():
    frontal = film(0)
    twice = dataclasses.replace(film(90), line_integral=frontal.line_integral, mask=frontal.mask)
    with pytest.raises(RefusedError, match="same picture"):
        standard_view_warnings((frontal, twice), np.asarray(CT.center_ras_mm))
