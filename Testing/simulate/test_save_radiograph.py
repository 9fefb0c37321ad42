"""Saved radiographs carry their values and their geometry, in files that other programs understand."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.uid import XRayAngiographicImageStorage
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry, geometry_from_dicom, read_geometry_and_intensity, read_private_geometry
from XRayLib.radiograph import Radiograph
from XRayLib.radiograph.save import geometry_file_beside, save_radiograph

XA_IMAGE_TYPE_1 = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "ImageType",
    "PixelIntensityRelationship",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
    "RadiationSetting",
    "PositionerMotion",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
]
"""Attributes that the XA Image IOD (PS3.3 A.14) requires with a value, the Modality LUT's included (relation LOG)."""

XA_IMAGE_TYPE_2 = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "SeriesNumber",
    "Manufacturer",
    "InstanceNumber",
    "PatientOrientation",
    "KVP",
    "XRayTubeCurrent",
    "ExposureTime",
    "PositionerPrimaryAngle",
    "PositionerSecondaryAngle",
]
"""Attributes that it requires present, if empty."""


@pytest.fixture
def radiograph() -> Radiograph:
    geometry = XRayGeometry.from_c_arm(
        primary_angle_deg=33.123456789,
        secondary_angle_deg=-11.1,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(31, 20),
        pixel_spacing_mm=(1.25, 1.5),
        isocenter_ras_mm=(10.0, -20.0, 300.0),
        principal_point_px=(14.2, 11.0),
        frame="RAS of a phantom",
    )
    image = np.random.default_rng(0).uniform(0, 7.3, (20, 31)).astype(np.float32)
    return Radiograph(image, geometry, calibrated=True, source="a test")


def _same_view(a: XRayGeometry, b: XRayGeometry) -> None:
    assert a == b
    assert a.frame == b.frame
    assert a.source_to_isocenter_mm == b.source_to_isocenter_mm


class TestDicom:
    def test_values_and_geometry_come_back(self, radiograph: Radiograph, tmp_path: Path) -> None:
        save_radiograph(radiograph, tmp_path / "a.dcm")
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        values = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        np.testing.assert_allclose(values, radiograph.line_integral, atol=7.3 / 65535)
        _same_view(geometry_from_dicom(dataset), radiograph.geometry)
        own = read_private_geometry(dataset)
        assert own is not None and own.intensity == "line_integral"

    def test_standard_tags_alone_give_the_view_about_its_isocenter(
        self, radiograph: Radiograph, tmp_path: Path
    ) -> None:
        centred = replace(
            radiograph,
            geometry=XRayGeometry.from_c_arm(
                primary_angle_deg=-47.0,
                secondary_angle_deg=21.0,
                source_to_detector_mm=1020.0,
                source_to_isocenter_mm=700.0,
                size_px=(31, 20),
                pixel_spacing_mm=(1.25, 1.5),
            ).with_axes(flip_columns=True),
        )
        save_radiograph(centred, tmp_path / "a.dcm")
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        dataset.remove_private_tags()
        read = geometry_from_dicom(dataset)
        np.testing.assert_allclose(read.ras_to_pixel, centred.geometry.ras_to_pixel, rtol=1e-9, atol=1e-6)
        assert read.assumed == ()

    def test_the_file_has_what_the_xa_object_requires(self, radiograph: Radiograph, tmp_path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            save_radiograph(radiograph, tmp_path / "a.dcm")
            dataset = pydicom.dcmread(tmp_path / "a.dcm")
        assert dataset.SOPClassUID == XRayAngiographicImageStorage
        assert all(dataset.get(keyword) not in (None, "") for keyword in XA_IMAGE_TYPE_1)
        assert all(keyword in dataset for keyword in XA_IMAGE_TYPE_2)
        assert dataset.PixelIntensityRelationship == "LOG"
        assert "research" in dataset.SeriesDescription
        assert str(dataset.PatientName) == "XRay3D^Research"

    def test_another_reader_gives_the_same_pixels(self, radiograph: Radiograph, tmp_path: Path) -> None:
        save_radiograph(radiograph, tmp_path / "a.dcm")
        image = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "a.dcm")).squeeze()
        np.testing.assert_allclose(image, radiograph.line_integral, atol=2e-4)

    def test_monochrome1_stores_the_inverse(self, radiograph: Radiograph, tmp_path: Path) -> None:
        save_radiograph(radiograph, tmp_path / "bright.dcm")
        save_radiograph(radiograph, tmp_path / "dark.dcm", bone_dark=True)
        bright, dark = (pydicom.dcmread(tmp_path / f"{name}.dcm") for name in ("bright", "dark"))
        assert (bright.PhotometricInterpretation, dark.PhotometricInterpretation) == ("MONOCHROME2", "MONOCHROME1")
        np.testing.assert_array_equal(dark.pixel_array, 65535 - bright.pixel_array)

    def test_the_same_radiograph_gives_the_same_bytes_and_a_study_is_shared(
        self, radiograph: Radiograph, tmp_path: Path
    ) -> None:
        other = replace(radiograph, line_integral=radiograph.line_integral + 1)
        for name, image in (("a", radiograph), ("b", radiograph), ("c", other)):
            save_radiograph(image, tmp_path / f"{name}.dcm", study="patient 1")
        assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()
        first, second = (pydicom.dcmread(tmp_path / f"{name}.dcm") for name in ("a", "c"))
        assert first.StudyInstanceUID == second.StudyInstanceUID
        assert first.SOPInstanceUID != second.SOPInstanceUID

    @pytest.mark.parametrize("value", [0.0, -3.0, 5.0, 1e-6, 1e6])
    def test_constant_and_extreme_images_survive(self, radiograph: Radiograph, tmp_path: Path, value: float) -> None:
        flat = replace(radiograph, line_integral=np.full((20, 31), value, np.float32))
        save_radiograph(flat, tmp_path / "a.dcm")
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        values = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        np.testing.assert_allclose(values, value, rtol=1e-4, atol=1e-9)


class TestOtherFormats:
    @pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
    def test_float_files_are_exact(self, radiograph: Radiograph, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"film{suffix}"
        save_radiograph(radiograph, path)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(path)), radiograph.line_integral)
        beside = read_geometry_and_intensity(tmp_path / "film.geometry.json")
        _same_view(beside.geometry, radiograph.geometry)
        assert (beside.intensity, beside.scale) == ("line_integral", None)

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_integer_files_have_a_scale(self, radiograph: Radiograph, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"film{suffix}"
        save_radiograph(radiograph, path)
        beside = read_geometry_and_intensity(geometry_file_beside(path))
        stored = np.asarray(Image.open(path)).astype(np.float64)
        assert beside.scale is not None
        np.testing.assert_allclose(stored * beside.scale, radiograph.line_integral, atol=7.3 / 65535)

    def test_an_uncalibrated_or_inverted_picture_says_so(self, radiograph: Radiograph, tmp_path: Path) -> None:
        film = replace(radiograph, calibrated=False)
        save_radiograph(film, tmp_path / "a.png")
        save_radiograph(film, tmp_path / "b.png", bone_dark=True)
        kinds = [read_geometry_and_intensity(tmp_path / f"{n}.geometry.json").intensity for n in "ab"]
        assert kinds == ["display_bone_bright", "display_bone_dark"]

    def test_an_unknown_suffix_and_a_missing_folder_are_refused(self, radiograph: Radiograph, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"\.dcm"):
            save_radiograph(radiograph, tmp_path / "film.bmp")
        for name in ("film.dcm", "film.png", "film.nrrd"):
            with pytest.raises(InputError, match="folder"):
                save_radiograph(radiograph, tmp_path / "none" / name)
