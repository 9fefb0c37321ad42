"""Every transfer syntax decodes to the same pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from drawn_radiographs import DicomFile, dicom_dataset
from numpy.typing import NDArray
from XRayLib.errors import InputError
from XRayLib.radiograph import load_radiograph
from XRayLib.radiograph.codestream import codestream_size, with_valid_scan_header
from XRayLib.radiograph.dicom_image import read_dicom_image

IMPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE, JPEG_2000, JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.90"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"


@pytest.fixture(scope="module")
def pixels(chest: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(chest * 800).astype(np.uint16)


@pytest.mark.parametrize("syntax", [IMPLICIT, DEFLATED])
def test_uncompressed_encodings(tmp_path: Path, pixels: NDArray[np.uint16], syntax: str) -> None:
    dataset = dicom_dataset(pixels)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert np.array_equal(read_dicom_image(tmp_path / "x.dcm").pixels, pixels)


def test_big_endian(tmp_path: Path, pixels: NDArray[np.uint16]) -> None:
    dataset = dicom_dataset(pixels, PixelData=pixels.astype(">u2").tobytes())
    dataset.file_meta.TransferSyntaxUID = BIG_ENDIAN
    dataset["PixelData"].VR = "OW"
    dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert np.array_equal(read_dicom_image(tmp_path / "x.dcm").pixels, pixels)


@pytest.mark.parametrize("syntax", [RLE, JPEG_2000_LOSSLESS])
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_compression(dicom_file: DicomFile, pixels: NDArray[np.uint16], syntax: str, signed: bool) -> None:
    values = pixels.astype(np.int16) - 1000 if signed else pixels
    assert np.array_equal(read_dicom_image(dicom_file(values, syntax=syntax)).pixels, values)


def test_any_frame_of_a_compressed_stack(dicom_file: DicomFile, pixels: NDArray[np.uint16]) -> None:
    frames = np.stack([pixels, pixels[::-1], pixels[:, ::-1]])
    path = dicom_file(frames, syntax=RLE, Modality="XA")
    for index in range(3):
        assert np.array_equal(read_dicom_image(path, index).pixels, frames[index])


def jpeg_file(tmp_path: Path, pixels: NDArray[np.uint16], **header: int) -> Path:
    from PIL import Image
    from pydicom.encaps import encapsulate

    picture = io.BytesIO()
    grey = (pixels // (int(pixels.max()) // 255 + 1)).astype(np.uint8)
    Image.fromarray(grey).save(picture, "JPEG", quality=95)
    dataset = dicom_dataset(grey, **header)
    dataset.file_meta.TransferSyntaxUID = JPEG_BASELINE
    dataset.PixelData = encapsulate([picture.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(tmp_path / "jpeg.dcm", enforce_file_format=True)
    return tmp_path / "jpeg.dcm"


def test_jpeg_baseline(tmp_path: Path, pixels: NDArray[np.uint16]) -> None:
    decoded = read_dicom_image(jpeg_file(tmp_path, pixels)).pixels
    assert np.corrcoef(decoded.ravel(), pixels.ravel())[0, 1] > 0.999


def test_codestream_larger_than_its_header_is_refused_before_decoding(
    tmp_path: Path, pixels: NDArray[np.uint16]
) -> None:
    with pytest.raises(InputError, match="contradict its header"):
        load_radiograph(jpeg_file(tmp_path, pixels, Rows=64, Columns=64))


def test_sequential_scan_header_is_repaired_and_others_left_alone() -> None:
    frame_header = b"\xff\xc1\x00\x0b\x0c\x00\x20\x00\x10\x01\x00\x11\x00"
    scan_header = b"\xff\xda\x00\x08\x01\x00\x00"
    wrong = b"\xff\xd8" + frame_header + scan_header + b"\x00\x00\x00" + b"data"
    right = b"\xff\xd8" + frame_header + scan_header + b"\x00\x3f\x00" + b"data"
    lossless = right.replace(b"\xff\xc1", b"\xff\xc3").replace(b"\x00\x3f\x00data", b"\x01\x00\x00data")
    assert codestream_size(wrong) == (16, 32, 1)
    assert with_valid_scan_header(wrong) == right
    assert with_valid_scan_header(right) == right
    assert with_valid_scan_header(lossless) == lossless


@pytest.mark.real_data
@pytest.mark.parametrize("image", ["RG2", "XA1"])
def test_all_syntaxes_of_the_nema_images_agree(patient_data: Path, image: str) -> None:
    files = {path.stem[4:]: path for path in (patient_data / "dicom" / "nema").glob(f"{image}_*.dcm")}
    assert set(files) == {"J2KI", "J2KR", "JLSL", "JLSN", "JPLL", "JPLY", "RLE"}
    pixels = {name: read_dicom_image(path).pixels.astype(float) for name, path in files.items()}
    for name in ("J2KR", "JLSL", "JPLL"):
        assert np.array_equal(pixels[name], pixels["RLE"]), name
    for name in ("J2KI", "JLSN", "JPLY"):
        assert np.sqrt(np.mean((pixels[name] - pixels["RLE"]) ** 2)) < 0.01 * pixels["RLE"].max(), name


@pytest.mark.real_data
def test_nema_images_become_bone_bright_radiographs(patient_data: Path) -> None:
    folder = patient_data / "dicom" / "nema"
    hip, head = load_radiograph(folder / "RG2_JPLL.dcm"), load_radiograph(folder / "XA1_JPLL.dcm")
    assert "Bone was judged to be bright." in hip.assumptions
    assert any("2 straight collimator edges" in sentence for sentence in hip.assumptions)
    assert "Bone was judged to be dark." in head.assumptions
    assert any("round field" in sentence for sentence in head.assumptions)
    for film in (hip, head):
        assert film.mask is not None
        assert (film.line_integral[~film.mask] == 0).mean() > 0.99
