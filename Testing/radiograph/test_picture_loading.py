"""PNG, JPEG and TIFF pictures keep all their bits, their pages and their orientation."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from XRayLib.errors import InputError
from XRayLib.radiograph import load_radiograph
from XRayLib.radiograph.file_kind import file_kind
from XRayLib.radiograph.picture_image import read_picture


@pytest.fixture
def deep(chest: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(chest * 11000).astype(np.uint16)


@pytest.fixture
def shallow(chest: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(chest * 45).astype(np.uint8)


def pixels_of(path: Path, frame_index: int = 0) -> NDArray[np.generic]:
    return read_picture(path, file_kind(path), frame_index).pixels


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_kept(tmp_path: Path, deep: NDArray[np.uint16], suffix: str) -> None:
    Image.fromarray(deep).save(tmp_path / f"x{suffix}")
    assert np.array_equal(pixels_of(tmp_path / f"x{suffix}"), deep)


def test_sixteen_bit_colour_png_that_is_grey(tmp_path: Path, deep: NDArray[np.uint16]) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "x.png"), np.dstack([deep, deep, deep]))
    assert np.array_equal(pixels_of(tmp_path / "x.png"), deep)


@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32, np.float64])
def test_tiff_types_and_compressions(
    tmp_path: Path, chest: NDArray[np.float32], dtype: type, compression: str | None
) -> None:
    import tifffile

    pixels = (40 * chest).astype(dtype)
    tifffile.imwrite(tmp_path / "x.tif", pixels, compression=compression)
    loaded = pixels_of(tmp_path / "x.tif")
    assert loaded.dtype == dtype
    assert np.array_equal(loaded, pixels)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_tiff_compressions_of_scanners(tmp_path: Path, shallow: NDArray[np.uint8], compression: str) -> None:
    Image.fromarray(shallow).save(tmp_path / "x.tif", compression=compression)
    assert np.abs(pixels_of(tmp_path / "x.tif").astype(int) - shallow).max() < 20


def test_tiff_where_zero_is_white(tmp_path: Path, shallow: NDArray[np.uint8]) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "x.tif", 255 - shallow, photometric="miniswhite")
    assert np.array_equal(pixels_of(tmp_path / "x.tif"), shallow)


def test_page_of_a_tiff(tmp_path: Path, deep: NDArray[np.uint16]) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "x.tif", np.stack([deep, deep[::-1]]), photometric="minisblack")
    assert np.array_equal(pixels_of(tmp_path / "x.tif", 1), deep[::-1])
    with pytest.raises(InputError, match="has 2 frame"):
        load_radiograph(tmp_path / "x.tif", frame_index=2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, shallow: NDArray[np.uint8], orientation: int) -> None:
    upright = np.asarray(shallow)
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(turned)).save(tmp_path / "x.jpg", quality=95, exif=exif)
    loaded = pixels_of(tmp_path / "x.jpg")
    assert loaded.shape == upright.shape
    assert np.abs(loaded.astype(int) - upright).mean() < 2


def test_photograph_of_a_film_is_grey(tmp_path: Path, shallow: NDArray[np.uint8]) -> None:
    """JPEG noise in the colours, and the blue tint of the film base."""
    grey = shallow.astype(float)
    tinted = np.dstack([0.8 * grey, 0.9 * grey + 5, np.minimum(1.0 * grey + 20, 255)]).astype(np.uint8)
    Image.fromarray(tinted).save(tmp_path / "x.jpg", quality=80)
    radiograph = load_radiograph(tmp_path / "x.jpg")
    assert np.corrcoef(radiograph.line_integral.ravel(), grey.ravel())[0, 1] > 0.99


def test_coloured_annotation_is_masked_and_a_colour_photograph_refused(
    tmp_path: Path, shallow: NDArray[np.uint8]
) -> None:
    annotated = np.dstack([shallow] * 3)
    annotated[30:50, 40:90] = (255, 0, 0)
    Image.fromarray(annotated).save(tmp_path / "annotated.png")
    mask = load_radiograph(tmp_path / "annotated.png").mask
    assert mask is not None
    assert not mask[30:50, 40:90].any()
    row, column = np.mgrid[:200, :200]
    photograph = np.dstack([row, column, 200 - row]).astype(np.uint8)
    Image.fromarray(photograph).save(tmp_path / "photograph.png")
    with pytest.raises(InputError, match="colour picture"):
        load_radiograph(tmp_path / "photograph.png")


def test_transparent_pixels_are_masked(tmp_path: Path, shallow: NDArray[np.uint8]) -> None:
    opacity = np.full_like(shallow, 255)
    opacity[:20] = 0
    Image.fromarray(np.dstack([shallow, opacity])).save(tmp_path / "x.png")
    mask = load_radiograph(tmp_path / "x.png").mask
    assert mask is not None
    assert not mask[:20].any()
    assert mask[30:].all()


def png_header(columns: int, rows: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_decompression_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(60000, 60000))
    with pytest.raises(InputError, match="more pixels than any radiograph"):
        load_radiograph(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_truncated_picture_is_damaged(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 120), dtype=np.uint8)
    path = tmp_path / f"x{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(InputError, match="damaged"):
        load_radiograph(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("array.npy", b"\x93NUMPY\x01\x00" + bytes(100), "NumPy array"),
        ("model.pkl", b"\x80\x04\x95" + bytes(100), "never opened"),
        ("film.dcm", b"\x80\x05\x95" + bytes(100), "never opened"),
        ("arrays.npz", b"PK\x03\x04" + bytes(100), "zip archive"),
        ("film.png", b"%PDF-1.7" + bytes(100), "PDF"),
        ("page.jpg", b"<!DOCTYPE html><html></html>", "web page"),
        ("film.png", b"just some text that is no picture", "not an image"),
        ("film.dcm", b"just some text that is no picture", "not a DICOM image"),
        ("nothing.png", b"", "is empty"),
    ],
)
def test_other_files_are_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        load_radiograph(tmp_path / name)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_radiograph(tmp_path / "film.png")
    with pytest.raises(InputError, match="folder"):
        load_radiograph(tmp_path)


def test_content_goes_before_the_suffix(tmp_path: Path, shallow: NDArray[np.uint8]) -> None:
    Image.fromarray(shallow).save(tmp_path / "x.png")
    (tmp_path / "x.png").rename(tmp_path / "x.dcm")
    assert load_radiograph(tmp_path / "x.dcm").source == "PNG image"
