"""Which parts of a geometry are open follows from what was assumed of it, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from wrong_films import MIDDLE
from XRayLib.geometry import assumed_film_geometry
from XRayLib.geometry.assumed_parts import AssumedPart, assumed_parts
from XRayLib.geometry_estimation.film_parameters import PARAMETERS, changed, deviations_of, zoomed_geometry


def film_with(*assumed: str):
    return replace(assumed_film_geometry("PA", (100, 80), (4.0, 4.0)), assumed=assumed)


def test_a_picture_without_any_geometry_leaves_everything_open() -> None:
    geometry = assumed_film_geometry("LL", (100, 80))
    assert assumed_parts(geometry) == set(AssumedPart) - {AssumedPart.SECONDARY_ANGLE}
    assert (deviations_of(geometry) > 0).all()


@pytest.mark.parametrize(
    ("phrase", "opened"),
    [
        ("source-to-detector distance 1800 mm", {"log_source_to_detector"}),
        ("patient's middle 1600 mm from the source", {"patient_to_detector_mm"}),
        ("image's long side 430 mm", {"log_pixel_spacing"}),
        ("Pixel Spacing holds on the detector", {"log_pixel_spacing"}),
        ("secondary angle 0 degrees", {"secondary_angle_deg"}),
        ("source-to-detector distance 180 is in cm", set()),
        ("pixel spacing was calibrated at the patient's middle", set()),
        ("image hung as usual", set()),
    ],
)
def test_each_phrase_opens_its_own_numbers(phrase: str, opened: set[str]) -> None:
    found = {name for name, deviation in zip(PARAMETERS, deviations_of(film_with(phrase)), strict=True) if deviation}
    assert found == opened


def test_the_phrases_are_those_that_dicom_files_get() -> None:
    from pydicom.dataset import Dataset
    from XRayLib.geometry import geometry_from_dicom

    dataset = Dataset()
    dataset.Rows, dataset.Columns, dataset.Modality, dataset.ViewPosition = 80, 100, "DX", "PA"
    assert (deviations_of(geometry_from_dicom(dataset)) > 0).all()
    dataset.DistanceSourceToDetector, dataset.DistanceSourceToPatient = 1700, 1500
    dataset.ImagerPixelSpacing = [4.0, 4.0]
    stated = deviations_of(geometry_from_dicom(dataset))
    assert (stated[:5] > 0).all()
    assert not stated[5:].any()
    dataset.Modality, dataset.PositionerPrimaryAngle, dataset.PositionerSecondaryAngle = "XA", 10.0, 5.0
    assert not deviations_of(geometry_from_dicom(dataset)).any()


def test_no_difference_changes_nothing() -> None:
    geometry = assumed_film_geometry("LL", (100, 80))
    assert changed(geometry, np.zeros(8), MIDDLE) == geometry


def test_differences_mean_what_they_are_called() -> None:
    geometry = assumed_film_geometry("LL", (100, 80), (4.0, 4.0))
    turned = changed(geometry, [-6.0, 3.0, 0, 0, 0, 0, 0, 0], MIDDLE)
    assert turned.primary_angle_deg == pytest.approx(84.0)
    assert turned.secondary_angle_deg == pytest.approx(3.0)
    np.testing.assert_allclose(turned.project(MIDDLE), geometry.project(MIDDLE))
    shifted = changed(geometry, [0, 0, 0, 12.0, -8.0, 0, 0, 0], MIDDLE)
    magnification = 1800.0 / 1600.0 / 4.0
    np.testing.assert_allclose(
        shifted.project(MIDDLE) - geometry.project(MIDDLE), [[12 * magnification, -8 * magnification]]
    )
    farther = changed(geometry, [0, 0, 0, 0, 0, np.log(1.1), 30.0, np.log(1.05)], MIDDLE)
    assert farther.source_to_detector_mm == pytest.approx(1980.0)
    assert farther.depth_mm(MIDDLE)[0] == pytest.approx(1980.0 - 230.0)
    assert farther.pixel_spacing_mm == pytest.approx((4.2, 4.2))
    assert zoomed_geometry(geometry, 0.1).source_to_detector_mm == pytest.approx(1800 * np.exp(0.1))
