"""DICOM radiographs give the line integrals that their tags describe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from drawn_radiographs import DicomFile, dicom_dataset
from numpy.typing import NDArray
from XRayLib.errors import InputError, MissingDependencyError
from XRayLib.geometry import XRayGeometry
from XRayLib.radiograph import Radiograph, load_radiograph, save_radiograph
from XRayLib.radiograph.dicom_image import read_dicom_image


def stored(chest: NDArray[np.float32], highest: int, dtype: type = np.uint16) -> NDArray[np.generic]:
    return np.rint(chest * (highest / chest.max())).astype(dtype)


def assert_shows(path: Path, chest: NDArray[np.float32], least: float = 0.995) -> Radiograph:
    radiograph = load_radiograph(path)
    assert np.corrcoef(radiograph.line_integral.ravel(), chest.ravel())[0, 1] > least
    return radiograph


@pytest.mark.parametrize(
    ("dtype", "bits_stored"),
    [(np.uint8, 8), (np.uint16, 10), (np.uint16, 12), (np.uint16, 16), (np.int8, 8), (np.int16, 12), (np.int16, 16)],
)
def test_signed_and_unsigned_depths(
    dicom_file: DicomFile, chest: NDArray[np.float32], dtype: type, bits_stored: int
) -> None:
    lowest = -(2 ** (bits_stored - 1)) if np.iinfo(dtype).min else 0
    pixels = (stored(chest, 2**bits_stored - 1, np.int32) + lowest).astype(dtype)
    path = dicom_file(pixels, BitsStored=bits_stored, HighBit=bits_stored - 1)
    assert_shows(path, chest)


def test_monochrome1_is_the_negative(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    positive = load_radiograph(dicom_file(stored(chest, 4095), BitsStored=12, HighBit=11))
    negative = load_radiograph(
        dicom_file(
            4095 - stored(chest, 4095),
            BitsStored=12,
            HighBit=11,
            PhotometricInterpretation="MONOCHROME1",
            PresentationLUTShape="INVERSE",
        )
    )
    assert np.allclose(positive.line_integral, negative.line_integral, atol=0.01)


def test_intensity_relationship_says_log_or_not(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    counts = np.rint(50000 * np.exp(-chest)).astype(np.uint16)
    linear = dicom_file(
        counts,
        PixelIntensityRelationship="LIN",
        PixelIntensityRelationshipSign=1,
        PresentationIntentType="FOR PROCESSING",
    )
    assert np.abs(load_radiograph(linear).line_integral - chest).max() < 0.02
    logged = dicom_file(stored(chest, 30000), PixelIntensityRelationship="LOG", PixelIntensityRelationshipSign=-1)
    assert_shows(logged, chest, 0.999)


def test_rescale_and_modality_table_are_applied(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    from pydicom.dataset import Dataset

    pixels = stored(chest, 1000)
    path = dicom_file(pixels, RescaleSlope="2.5", RescaleIntercept="-40", RescaleType="US")
    assert np.allclose(read_dicom_image(path).pixels, pixels * 2.5 - 40)
    table = Dataset()
    table.LUTDescriptor = [256, 0, 16]
    table.LUTData = np.arange(0, 256 * 200, 200, dtype="<u2").tobytes()
    table.ModalityLUTType = "US"
    path = dicom_file(stored(chest, 255, np.uint8), ModalityLUTSequence=[table])
    assert np.array_equal(read_dicom_image(path).pixels, stored(chest, 255).astype(int) * 200)


def test_negative_slope_turns_the_polarity(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    path = dicom_file(
        4095 - stored(chest, 4095), RescaleSlope="-1", RescaleIntercept="4095", PhotometricInterpretation="MONOCHROME1"
    )
    assert_shows(path, chest)


def test_window_is_for_display_and_not_applied(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    pixels = stored(chest, 4095)
    plain = load_radiograph(dicom_file(pixels))
    windowed = load_radiograph(dicom_file(pixels, WindowCenter="500", WindowWidth="200"))
    assert np.array_equal(plain.line_integral, windowed.line_integral)


def test_padding_is_masked(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    pixels = stored(chest, 4000)
    pixels[:, :60] = 65535
    radiograph = load_radiograph(dicom_file(pixels, PixelPaddingValue=65535))
    assert radiograph.mask is not None
    assert not radiograph.mask[:, :60].any()
    assert radiograph.mask[:, 70:].all()
    assert radiograph.line_integral.max() < 7


@pytest.mark.parametrize("prefix", ["Shutter", "Collimator"])
def test_stated_openings_are_masked(dicom_file: DicomFile, chest: NDArray[np.float32], prefix: str) -> None:
    edges = {
        f"{prefix}Shape": ["RECTANGULAR", "CIRCULAR"],
        f"{prefix}LeftVerticalEdge": 20,
        f"{prefix}RightVerticalEdge": 237,
        f"{prefix}UpperHorizontalEdge": 10,
        f"{prefix}LowerHorizontalEdge": 231,
        f"CenterOfCircular{prefix}": [120, 128],
        f"RadiusOfCircular{prefix}": 130,
    }
    mask = load_radiograph(dicom_file(stored(chest, 4000), **edges)).mask
    assert mask is not None
    row, column = np.mgrid[1:241, 1:257]
    opening = (column > 20) & (column < 237) & (row > 10) & (row < 231)
    opening &= (row - 120) ** 2 + (column - 128) ** 2 < 130**2
    assert np.array_equal(mask, opening)


def test_polygonal_collimator_is_masked(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    vertices = [20, 30, 20, 220, 200, 250, 230, 10]
    path = dicom_file(stored(chest, 4000), CollimatorShape="POLYGONAL", VerticesOfThePolygonalCollimator=vertices)
    mask = load_radiograph(path).mask
    assert mask is not None
    assert mask[120, 128]
    assert not mask[5, 128]
    assert not mask[25, 10]
    assert not mask[235, 128]


def test_overlay_bits_above_the_pixel_are_ignored(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    pixels = stored(chest, 4095)
    overlaid = pixels.copy()
    overlaid[100:140, 100:140] |= 0x8000
    path = dicom_file(overlaid, BitsStored=12, HighBit=11)
    assert np.array_equal(read_dicom_image(path).pixels, pixels)


def test_pixels_stored_in_the_upper_bits(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    pixels = stored(chest, 4095)
    path = dicom_file((pixels << 4) | 0x000F, BitsStored=12, HighBit=15)
    assert np.array_equal(read_dicom_image(path).pixels, pixels)


def test_impossible_high_bit_is_ignored_and_said(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    radiograph = assert_shows(dicom_file(stored(chest, 4095), BitsStored=12, HighBit=17), chest)
    assert any("High Bit" in sentence for sentence in radiograph.assumptions)


def test_each_frame_of_an_angiogram(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    frames = np.stack([stored(chest, 4000), stored(chest[:, ::-1], 4000), stored(chest[::-1], 4000)])
    path = dicom_file(frames, Modality="XA", PositionerPrimaryAngle="0", PositionerSecondaryAngle="0")
    for index in range(3):
        assert np.array_equal(read_dicom_image(path, index).pixels, frames[index])
    for index in (3, -1, 1000000):
        with pytest.raises(InputError, match="has 3 frame"):
            load_radiograph(path, frame_index=index)


def test_one_bit_image_is_unpacked(dicom_file: DicomFile) -> None:
    shape = np.zeros((64, 64), np.uint8)
    shape[16:40, 20:50] = 1
    path = dicom_file(
        shape, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=np.packbits(shape, bitorder="little").tobytes()
    )
    assert np.array_equal(read_dicom_image(path).pixels, shape)


def test_float_pixels(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    path = dicom_file(
        chest, PixelData=None, FloatPixelData=chest.tobytes(), BitsStored=None, HighBit=None, PixelRepresentation=None
    )
    assert np.array_equal(read_dicom_image(path).pixels, chest)


@pytest.mark.parametrize("bone_dark", [False, True])
def test_own_files_come_back_exactly(
    tmp_path: Path, chest: NDArray[np.float32], geometry: XRayGeometry, bone_dark: bool
) -> None:
    save_radiograph(Radiograph(chest, geometry, calibrated=True), tmp_path / "drr.dcm", bone_dark=bone_dark)
    loaded = load_radiograph(tmp_path / "drr.dcm")
    assert np.abs(loaded.line_integral - chest).max() < 1e-4
    assert loaded.calibrated
    assert loaded.geometry == geometry


@pytest.fixture
def geometry(chest: NDArray[np.float32]) -> XRayGeometry:
    return XRayGeometry.from_c_arm(
        primary_angle_deg=30.0,
        secondary_angle_deg=10.0,
        source_to_detector_mm=1020.0,
        source_to_isocenter_mm=700.0,
        size_px=(chest.shape[1], chest.shape[0]),
        pixel_spacing_mm=(1.2, 1.2),
    )


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"Modality": "CT"}, "pre-operative CT"),
        ({"Modality": "MR"}, "modality MR"),
        ({"Modality": "US"}, "modality US"),
        ({"Modality": "SR", "PixelData": None}, "modality SR"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "MR Image Storage"),
        ({"PixelData": None}, "holds no image"),
        ({"Rows": 0}, "no image"),
        ({"Rows": 65535, "Columns": 65535}, "more than any radiograph"),
        ({"BitsAllocated": 12}, "packed 12-bit"),
        ({"PixelData": bytes(400)}, "damaged"),
        ({"PixelData": bytes(4 * 240 * 256 * 2)}, "more pixels than its header"),
        ({"RescaleSlope": "0"}, "Rescale Slope is zero"),
        ({"PixelData": bytes(240 * 256 * 2)}, "every pixel has the same value"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(value),
)
def test_what_is_no_usable_radiograph_is_refused(
    dicom_file: DicomFile, chest: NDArray[np.float32], attributes: dict, words: str
) -> None:
    with pytest.raises(InputError, match=words) as refusal:
        load_radiograph(dicom_file(stored(chest, 4000), **attributes))
    assert "Nobody" not in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_encrypted_pixels_are_named(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.EncryptedContentTransferSyntaxUID = "1.2.840.10008.1.2.1"
    item.EncryptedContent = b"0123456789abcdef"
    path = dicom_file(stored(chest, 4000), PixelData=None, EncryptedAttributesSequence=[item])
    with pytest.raises(InputError, match="encrypted"):
        load_radiograph(path)


def test_grey_and_true_colour(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    grey = stored(chest, 255, np.uint8)
    colour = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PhotometricInterpretation": "RGB"}
    assert_shows(dicom_file(grey, PixelData=np.repeat(grey, 3).tobytes(), **colour), chest)
    painted = np.stack([grey, np.roll(grey, 60, axis=1), 255 - grey], axis=-1)
    with pytest.raises(InputError, match="colour"):
        load_radiograph(dicom_file(grey, PixelData=painted.tobytes(), **colour))


def test_grey_palette_is_looked_up(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    ramp = (np.arange(256, dtype=np.uint16)[::-1] * 257).astype("<u2").tobytes()
    channels = {f"{c}PaletteColorLookupTableData": ramp for c in ("Red", "Green", "Blue")}
    channels |= {f"{c}PaletteColorLookupTableDescriptor": [256, 0, 16] for c in ("Red", "Green", "Blue")}
    grey = 255 - stored(chest, 255, np.uint8)
    assert_shows(dicom_file(grey, PhotometricInterpretation="PALETTE COLOR", **channels), chest)


def test_secondary_capture_is_accepted_and_said(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    path = dicom_file(stored(chest, 255, np.uint8), Modality="OT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    assert any("does not say that it is a radiograph" in s for s in assert_shows(path, chest).assumptions)


def test_video_and_unknown_compression_say_what_to_do(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    from pydicom.encaps import encapsulate

    for syntax, failure, words in (
        ("1.2.840.10008.1.2.4.102", InputError, "video"),
        ("1.2.840.10008.1.2.4.55", MissingDependencyError, "no decoder"),
    ):
        dataset = dicom_dataset(stored(chest, 4000))
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([b"\0" * 64])
        dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        with pytest.raises(failure, match=words):
            load_radiograph(tmp_path / "x.dcm")


def test_file_without_suffix_and_without_preamble(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    path = dicom_file(stored(chest, 4000))
    bare = path.with_name("IM00001")
    bare.write_bytes(path.read_bytes()[132:])
    assert_shows(bare, chest)


def test_geometry_of_the_tags_and_a_file_beside_that_goes_before(
    dicom_file: DicomFile, chest: NDArray[np.float32], geometry: XRayGeometry
) -> None:
    from XRayLib.geometry import write_geometry_file

    path = dicom_file(
        stored(chest, 4000),
        Modality="XA",
        PositionerPrimaryAngle="90",
        PositionerSecondaryAngle="0",
        DistanceSourceToDetector="1100",
        DistanceSourceToPatient="800",
        ImagerPixelSpacing=["0.5", "0.5"],
    )
    tagged = load_radiograph(path)
    assert tagged.view == "LL"
    assert tagged.geometry.primary_angle_deg == pytest.approx(90)
    assert tagged.geometry.source_to_detector_mm == pytest.approx(1100)
    assert load_radiograph(path, "pa").view == "PA"
    write_geometry_file(geometry, path.with_name("image.geometry.json"), "display_bone_bright")
    assert load_radiograph(path).geometry == geometry


def test_no_header_text_reaches_the_radiograph(dicom_file: DicomFile, chest: NDArray[np.float32]) -> None:
    radiograph = load_radiograph(dicom_file(stored(chest, 4000), PatientID="SECRET-17", name="Nobody^Known.dcm"))
    told = json.dumps([radiograph.source, *radiograph.assumptions])
    assert "Nobody" not in told
    assert "SECRET" not in told
