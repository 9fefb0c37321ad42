"""Geometry from the tags that real projection images carry, or fail to carry."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from XRayLib.errors import InputError
from XRayLib.geometry import (
    GeometryFile,
    XRayGeometry,
    geometry_from_dicom,
    image_axes_of,
    write_private_geometry,
)


def image(**tags: object) -> Dataset:
    """A header of 400 columns x 300 rows with a complete C-arm geometry, changed by ``tags`` (None removes)."""
    complete: dict[str, object] = {
        "Modality": "XA",
        "Rows": 300,
        "Columns": 400,
        "PositionerPrimaryAngle": 30.0,
        "PositionerSecondaryAngle": -20.0,
        "DistanceSourceToDetector": 1000.0,
        "DistanceSourceToPatient": 750.0,
        "ImagerPixelSpacing": [0.4, 0.5],
        "PatientOrientation": ["L", "F"],
    }
    dataset = Dataset()
    for keyword, value in (complete | tags).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def film(**tags: object) -> Dataset:
    """A header of a chest film with a View Position and no angles, changed by ``tags``."""
    absent = {"PositionerPrimaryAngle": None, "PositionerSecondaryAngle": None}
    stated = {"Modality": "DX", "ViewPosition": "PA", "DistanceSourceToDetector": 1800.0, "PatientOrientation": None}
    return image(**(absent | stated | tags))


def expected(primary: float, secondary: float, **changes: object) -> XRayGeometry:
    arguments: dict = {
        "source_to_detector_mm": 1000.0,
        "source_to_isocenter_mm": 750.0,
        "size_px": (400, 300),
        "pixel_spacing_mm": (0.4, 0.5),
    }
    return XRayGeometry.from_c_arm(primary_angle_deg=primary, secondary_angle_deg=secondary, **(arguments | changes))


def said(geometry: XRayGeometry) -> str:
    return "; ".join(geometry.assumed)


class TestAngles:
    def test_a_complete_c_arm_image_needs_no_assumption(self) -> None:
        geometry = geometry_from_dicom(image())
        assert geometry == expected(30, -20)
        assert geometry.assumed == ()
        assert geometry.source_to_isocenter_mm == 750

    @given(st.floats(-180, 180), st.floats(-90, 90))
    def test_every_pair_of_angles_is_the_c_arm_at_these_angles(self, primary: float, secondary: float) -> None:
        dataset = image(
            PositionerPrimaryAngle=round(primary, 4),
            PositionerSecondaryAngle=round(secondary, 4),
            PatientOrientation=None,
        )
        geometry = geometry_from_dicom(dataset)
        wanted = expected(round(primary, 4), round(secondary, 4))
        np.testing.assert_allclose(geometry.ras_to_pixel, wanted.ras_to_pixel, rtol=1e-9, atol=1e-6)
        assert geometry.assumed == ("image hung as usual",)

    def test_one_increment_per_frame_counts_from_the_first_frame(self) -> None:
        run = image(
            NumberOfFrames=3,
            PositionerPrimaryAngleIncrement=[0, 5, 12],
            PositionerSecondaryAngleIncrement=[0, 1, 3],
        )
        assert geometry_from_dicom(run, 2) == expected(42, -17)

    def test_a_single_increment_is_the_step_from_frame_to_frame(self) -> None:
        run = image(NumberOfFrames=10, PositionerPrimaryAngleIncrement=1.5)
        assert geometry_from_dicom(run, 4) == expected(36, -20)

    def test_a_frame_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(InputError, match="frame 4 does not exist"):
            geometry_from_dicom(image(NumberOfFrames=3), 3)

    def test_enhanced_functional_groups_give_each_frame_its_own(self) -> None:
        def group(sequence: str, **values: object) -> Dataset:
            item, outer = Dataset(), Dataset()
            for keyword, value in values.items():
                setattr(item, keyword, value)
            setattr(outer, sequence, [item])
            return outer

        shared = group("XRayGeometrySequence", DistanceSourceToIsocenter=750.0, DistanceSourceToDetector=1000.0)
        shared.update(group("FramePixelDataPropertiesSequence", ImagerPixelSpacing=[0.4, 0.5]))
        frames = [
            group("PositionerPositionSequence", PositionerPrimaryAngle=p, PositionerSecondaryAngle=s)
            for p, s in ((0.0, 0.0), (15.0, 25.0))
        ]
        dataset = Dataset()
        dataset.Modality, dataset.Rows, dataset.Columns, dataset.NumberOfFrames = "XA", 300, 400, 2
        dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], frames
        assert geometry_from_dicom(dataset, 1) == expected(15, 25)

    def test_impossible_angles_are_not_used(self) -> None:
        geometry = geometry_from_dicom(image(PositionerPrimaryAngle=9999, ViewPosition="PA"))
        assert geometry.primary_angle_deg == pytest.approx(0)
        assert "impossible" in said(geometry)

    def test_a_missing_secondary_angle_is_zero_and_said(self) -> None:
        geometry = geometry_from_dicom(image(PositionerSecondaryAngle=None))
        assert geometry == expected(30, 0)
        assert "secondary angle" in said(geometry)


class TestViews:
    @pytest.mark.parametrize(
        ("view", "normal"), [("PA", (0, 1, 0)), ("AP", (0, -1, 0)), ("LL", (-1, 0, 0)), ("RL", (1, 0, 0))]
    )
    def test_view_position_replaces_missing_angles_and_is_said(self, view: str, normal: tuple) -> None:
        geometry = geometry_from_dicom(film(ViewPosition=view))
        np.testing.assert_allclose(geometry.detector_normal, normal, atol=1e-12)
        assert f"{view} view" in said(geometry)

    def test_radiography_angles_of_zero_do_not_overrule_the_view(self) -> None:
        lateral = film(ViewPosition="LL", PositionerPrimaryAngle=0.0, PositionerSecondaryAngle=0.0)
        assert geometry_from_dicom(lateral).primary_angle_deg == pytest.approx(90)

    def test_the_view_code_is_understood(self) -> None:
        code = Dataset()
        code.CodeMeaning = "left lateral"
        assert geometry_from_dicom(film(ViewPosition="", ViewCodeSequence=[code])).primary_angle_deg == pytest.approx(
            90
        )
        code.CodeMeaning = "left lateral decubitus"
        with pytest.raises(InputError):
            geometry_from_dicom(film(ViewPosition="", ViewCodeSequence=[code]))

    @pytest.mark.parametrize(("axes", "angle"), [(["L", "F"], 0), (["P", "F"], 90), (["A", "F"], -90)])
    def test_the_image_axes_alone_suggest_the_view(self, axes: list[str], angle: float) -> None:
        geometry = geometry_from_dicom(film(ViewPosition=None, PatientOrientation=axes))
        assert geometry.primary_angle_deg == pytest.approx(angle)
        assert "orientation alone" in said(geometry)

    def test_a_silent_file_takes_the_callers_view_or_is_refused(self) -> None:
        with pytest.raises(InputError, match="state its view"):
            geometry_from_dicom(film(ViewPosition=""))
        assert geometry_from_dicom(film(ViewPosition=""), view="ll").primary_angle_deg == pytest.approx(90)


class TestImageAxes:
    @given(st.floats(-170, 170), st.floats(-60, 60), st.booleans(), st.booleans(), st.booleans())
    def test_turned_and_flipped_images_are_recognised_by_their_letters(
        self, primary: float, secondary: float, transpose: bool, flip_columns: bool, flip_rows: bool
    ) -> None:
        primary, secondary = round(primary, 3), round(secondary, 3)
        upright = expected(primary, secondary)
        turned = upright.with_axes(transpose=transpose, flip_columns=flip_columns, flip_rows=flip_rows)
        dataset = image(
            PositionerPrimaryAngle=primary,
            PositionerSecondaryAngle=secondary,
            PatientOrientation=image_axes_of(turned),
            Rows=turned.size_px[1],
            Columns=turned.size_px[0],
            ImagerPixelSpacing=list(turned.pixel_spacing_mm),
        )
        assert geometry_from_dicom(dataset) == turned

    def test_letters_name_the_strongest_direction_first(self) -> None:
        assert image_axes_of(expected(0, 0)) == ["L", "F"]
        assert image_axes_of(expected(90, 0)) == ["P", "F"]
        assert image_axes_of(expected(30, 0)) == ["LP", "F"]

    def test_axes_of_another_view_are_ignored_and_said(self) -> None:
        geometry = geometry_from_dicom(film(PatientOrientation=["P", "F"]))
        assert image_axes_of(geometry) == ["L", "F"]
        assert "contradicts" in said(geometry)

    @pytest.mark.parametrize("value", ["", ["X", "F"], ["L"], ["LR", "F"]])
    def test_meaningless_letters_count_as_absent(self, value: object) -> None:
        assert "hung as usual" in said(geometry_from_dicom(film(PatientOrientation=value)))

    def test_an_image_that_is_a_part_of_the_detector_keeps_the_central_ray(self) -> None:
        # 1000 x 1000 elements of 0.2 mm; the image is 300 rows x 400 columns of 2 x 2 binned elements from (100, 50).
        dataset = image(
            ImagerPixelSpacing=[0.4, 0.4],
            DetectorElementSpacing=[0.2, 0.2],
            DetectorActiveDimensions=[200, 200],
            FieldOfViewOrigin=[100, 50],
            FieldOfViewRotation=0,
            FieldOfViewHorizontalFlip="NO",
        )
        wanted_row, wanted_column = (500 - 100) / 2 - 0.5, (500 - 50) / 2 - 0.5
        assert geometry_from_dicom(dataset).principal_point_px == pytest.approx((wanted_column, wanted_row))
        dataset.FieldOfViewHorizontalFlip = "YES"
        assert geometry_from_dicom(dataset).principal_point_px == pytest.approx((399 - wanted_column, wanted_row))
        dataset.FieldOfViewRotation, dataset.FieldOfViewHorizontalFlip = 90, "NO"
        dataset.Rows, dataset.Columns = 400, 300
        assert geometry_from_dicom(dataset).principal_point_px == pytest.approx((299 - wanted_row, wanted_column))


class TestDistances:
    def test_magnification_gives_the_missing_distance(self) -> None:
        geometry = geometry_from_dicom(
            image(DistanceSourceToPatient=None, EstimatedRadiographicMagnificationFactor=1.25)
        )
        assert geometry.source_to_isocenter_mm == pytest.approx(800)
        assert geometry.assumed == ()
        geometry = geometry_from_dicom(
            image(DistanceSourceToDetector=None, EstimatedRadiographicMagnificationFactor=1.25)
        )
        assert geometry.source_to_detector_mm == pytest.approx(937.5)

    def test_calibrated_spacing_beside_the_detectors_gives_the_magnification(self) -> None:
        geometry = geometry_from_dicom(
            image(
                DistanceSourceToPatient=None,
                ImagerPixelSpacing=[0.5, 0.5],
                PixelSpacing=[0.4, 0.4],
                PixelSpacingCalibrationType="GEOMETRY",
            )
        )
        assert geometry.pixel_spacing_mm == (0.5, 0.5)
        assert geometry.source_to_isocenter_mm == pytest.approx(800)
        assert geometry.assumed == ()

    @pytest.mark.parametrize("kind", ["GEOMETRY", "FIDUCIAL"])
    def test_calibrated_spacing_alone_is_magnified_onto_the_detector(self, kind: str) -> None:
        geometry = geometry_from_dicom(
            image(ImagerPixelSpacing=None, PixelSpacing=[0.3, 0.3], PixelSpacingCalibrationType=kind)
        )
        assert geometry.pixel_spacing_mm == pytest.approx((0.4, 0.4))
        half_way = geometry.source_ras_mm + 750 * geometry.detector_normal
        neighbours = geometry.project([half_way, half_way + 0.3 * geometry.column_direction])
        assert neighbours[1, 0] - neighbours[0, 0] == pytest.approx(1)
        assert "calibrated" in said(geometry)

    def test_uncalibrated_pixel_spacing_is_the_detectors_and_said(self) -> None:
        geometry = geometry_from_dicom(film(ImagerPixelSpacing=None, PixelSpacing=[0.2, 0.2]))
        assert geometry.pixel_spacing_mm == (0.2, 0.2)
        assert "Pixel Spacing holds on the detector" in said(geometry)

    def test_a_scanned_films_spacing_is_the_detectors(self) -> None:
        geometry = geometry_from_dicom(film(ImagerPixelSpacing=None, NominalScannedPixelSpacing=[0.17, 0.17]))
        assert geometry.pixel_spacing_mm == (0.17, 0.17)

    def test_without_spacing_the_field_of_view_or_the_film_size_is_used(self) -> None:
        geometry = geometry_from_dicom(image(ImagerPixelSpacing=None, FieldOfViewDimensions=[150, 200]))
        assert geometry.pixel_spacing_mm == (0.5, 0.5)
        assert "field" in said(geometry)
        assert geometry_from_dicom(film(ImagerPixelSpacing=None)).pixel_spacing_mm == (430 / 400,) * 2

    @pytest.mark.parametrize(
        ("sid", "phrase"), [(0, "1000 mm"), (-5, "1000 mm"), (1e6, "impossible"), (None, "1000 mm")]
    )
    def test_an_absurd_detector_distance_gives_way_to_the_usual_one(self, sid: float | None, phrase: str) -> None:
        geometry = geometry_from_dicom(image(DistanceSourceToDetector=sid))
        assert geometry.source_to_detector_mm == 1000
        assert phrase in said(geometry)

    def test_centimetres_are_recognised(self) -> None:
        geometry = geometry_from_dicom(film(DistanceSourceToDetector=180, DistanceSourceToPatient=160))
        assert (geometry.source_to_detector_mm, geometry.source_to_isocenter_mm) == (1800, 1600)
        assert "cm" in said(geometry)

    @pytest.mark.parametrize("sod", [1, 1000, 2500])
    def test_a_patient_behind_the_detector_or_at_the_source_is_not_believed(self, sod: float) -> None:
        geometry = geometry_from_dicom(image(DistanceSourceToPatient=sod))
        assert geometry.source_to_isocenter_mm == pytest.approx(700)
        assert "contradicts" in said(geometry)

    @pytest.mark.parametrize("spacing", [[-0.4, 0.5], [0, 0], [0.4], [500, 500]])
    def test_impossible_spacing_is_ignored_and_said(self, spacing: list[float]) -> None:
        geometry = geometry_from_dicom(image(ImagerPixelSpacing=spacing))
        assert geometry.pixel_spacing_mm == (0.75, 0.75)
        assert "impossible" in said(geometry)

    def test_unreadable_numbers_count_as_absent(self) -> None:
        dataset = image()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset["DistanceSourceToDetector"]._value = "one metre"
        assert "1000 mm" in said(geometry_from_dicom(dataset))


class TestPrivateBlock:
    def test_the_block_gives_back_the_exact_matrix(self) -> None:
        exact = expected(12.34567891, 3.3, isocenter_ras_mm=(1.1, 2.2, 3.3), principal_point_px=(100.25, 60.5))
        dataset = image()
        write_private_geometry(dataset, GeometryFile(exact, "line_integral"))
        read = geometry_from_dicom(dataset)
        np.testing.assert_array_equal(read.ras_to_pixel, exact.ras_to_pixel)
        assert read.frame == exact.frame

    def test_after_cropping_by_another_program_the_tags_are_used(self) -> None:
        dataset = image()
        write_private_geometry(dataset, GeometryFile(expected(0, 0)))
        dataset.Columns = 200
        assert geometry_from_dicom(dataset).primary_angle_deg == pytest.approx(30)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "xray3d.geometry/1"}'])
    def test_a_damaged_block_counts_as_absent(self, text: str) -> None:
        dataset = image()
        dataset.private_block(0x0099, "XRAY3D", create=True).add_new(0x01, "UT", text)
        assert geometry_from_dicom(dataset) == expected(30, -20)


NUMBER_TAGS = (
    "PositionerPrimaryAngle PositionerSecondaryAngle DistanceSourceToDetector DistanceSourceToPatient NumberOfFrames "
    "EstimatedRadiographicMagnificationFactor FieldOfViewRotation PositionerPrimaryAngleIncrement"
)
PAIR_TAGS = "ImagerPixelSpacing PixelSpacing FieldOfViewOrigin DetectorElementSpacing DetectorActiveDimensions"
anything = st.one_of(
    st.none(), st.floats(-1e5, 1e5).map(lambda x: float(f"{x:.6g}")), st.sampled_from([0.0, 0.4, 90.0, 1e3])
)


@given(st.data())
def test_whatever_numbers_a_file_holds_it_gives_a_view_or_a_sentence(data: st.DataObject) -> None:
    tags: dict[str, object] = {keyword: data.draw(anything) for keyword in NUMBER_TAGS.split()}
    tags["NumberOfFrames"] = data.draw(st.integers(-2, 5))
    for keyword in PAIR_TAGS.split():
        pair = data.draw(st.tuples(anything, anything))
        tags[keyword] = None if None in pair else list(pair)
    tags["PixelSpacingCalibrationType"] = data.draw(st.sampled_from([None, "GEOMETRY", "FIDUCIAL"]))
    tags["Modality"] = data.draw(st.sampled_from(["XA", "DX", "CR", ""]))
    try:
        geometry = geometry_from_dicom(image(**tags), view="PA")
    except InputError:
        return
    assert np.isfinite(geometry.ras_to_pixel).all()
    assert 0 < geometry.source_to_isocenter_mm < geometry.source_to_detector_mm


def test_a_file_without_an_image_is_refused() -> None:
    with pytest.raises(InputError, match="no image"):
        geometry_from_dicom(Dataset())


@pytest.mark.real_data
def test_real_files_without_a_view_are_refused_and_with_one_accepted(patient_data: Path) -> None:
    import pydicom

    for name, spacing in (("RG2_RLE.dcm", 0.2), ("XA1_RLE.dcm", 300 / 1024)):
        dataset = pydicom.dcmread(patient_data / "dicom" / "nema" / name, stop_before_pixels=True)
        with pytest.raises(InputError, match="state its view"):
            geometry_from_dicom(dataset)
        assert geometry_from_dicom(dataset, view="AP").pixel_spacing_mm[0] == pytest.approx(spacing)
