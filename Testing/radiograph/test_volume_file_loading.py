"""NRRD, NIfTI and MetaImage radiographs: two-dimensional, one slice, or a frame of a stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from XRayLib.errors import InputError
from XRayLib.geometry import assumed_film_geometry, write_geometry_file
from XRayLib.radiograph import Radiograph, load_radiograph, save_radiograph

SUFFIXES = (".nrrd", ".nii.gz", ".nii", ".mha")


def write(pixels: NDArray[np.generic], path: Path, spacing: tuple[float, ...] = ()) -> Path:
    image = sitk.GetImageFromArray(pixels)
    if spacing:
        image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path), True)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_two_dimensional_image_and_its_spacing(tmp_path: Path, chest: NDArray[np.float32], suffix: str) -> None:
    loaded = load_radiograph(write(chest, tmp_path / f"x{suffix}", (1.5, 1.25)), intensity="line_integral")
    assert np.allclose(loaded.line_integral, chest)
    assert loaded.geometry.pixel_spacing_mm == pytest.approx((1.25, 1.5))
    assert loaded.geometry.assumed


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_slice_along_any_axis(tmp_path: Path, chest: NDArray[np.float32], axis: int) -> None:
    path = write(np.expand_dims(chest, axis), tmp_path / "x.nrrd")
    assert np.allclose(load_radiograph(path, intensity="line_integral").line_integral, chest)


def test_frame_of_a_stack(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    path = write(np.stack([chest, 0.5 * chest]), tmp_path / "x.nrrd")
    assert np.allclose(load_radiograph(path, frame_index=1, intensity="line_integral").line_integral, 0.5 * chest)
    with pytest.raises(InputError, match="has 2 frame"):
        load_radiograph(path, frame_index=2)


def test_ct_volume_is_sent_where_it_belongs(tmp_path: Path) -> None:
    ct = np.random.default_rng(0).normal(-200, 400, (20, 40, 40)).astype(np.int16)
    with pytest.raises(InputError, match="pre-operative CT"):
        load_radiograph(write(ct, tmp_path / "x.nii.gz"))


@pytest.mark.parametrize(("suffix", "name"), [(".nrrd", "x.png"), (".nii.gz", "x"), (".mha", "x.tif")])
def test_kind_is_known_without_the_suffix(tmp_path: Path, chest: NDArray[np.float32], suffix: str, name: str) -> None:
    path = write(chest, tmp_path / f"x{suffix}").rename(tmp_path / name)
    assert np.allclose(load_radiograph(path, intensity="line_integral").line_integral, chest)


def test_colour_volume_is_refused(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    grey = np.rint(40 * chest).astype(np.uint8)
    colour = sitk.GetImageFromArray(np.stack([grey, grey[::-1], 255 - grey], axis=-1), isVector=True)
    sitk.WriteImage(colour, str(tmp_path / "x.nrrd"))
    with pytest.raises(InputError, match="colour"):
        load_radiograph(tmp_path / "x.nrrd")


def test_header_that_reads_another_file_is_refused(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    (tmp_path / "secret.raw").write_bytes(chest.tobytes())
    (tmp_path / "x.nrrd").write_text(
        "NRRD0004\ntype: float\ndimension: 2\nsizes: 256 240\nendian: little\nencoding: raw\ndata file: secret.raw\n\n"
    )
    (tmp_path / "x.mha").write_text(
        "ObjectType = Image\nNDims = 2\nDimSize = 256 240\nElementType = MET_FLOAT\nElementDataFile = secret.raw\n"
    )
    for name in ("x.nrrd", "x.mha"):
        with pytest.raises(InputError, match="another file"):
            load_radiograph(tmp_path / name)


def test_huge_claim_is_refused_from_the_header(tmp_path: Path) -> None:
    (tmp_path / "x.nrrd").write_text(
        "NRRD0004\ntype: float\ndimension: 2\nsizes: 90000 90000\nendian: little\nencoding: raw\n\n"
    )
    with pytest.raises(InputError, match="more than any radiograph"):
        load_radiograph(tmp_path / "x.nrrd")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_file_is_damaged(tmp_path: Path, chest: NDArray[np.float32], suffix: str) -> None:
    path = write(chest, tmp_path / f"x{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged"):
        load_radiograph(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".png", ".tif"])
def test_saved_radiograph_comes_back(tmp_path: Path, chest: NDArray[np.float32], suffix: str) -> None:
    geometry = assumed_film_geometry("LL", (chest.shape[1], chest.shape[0]))
    save_radiograph(Radiograph(chest, geometry, calibrated=True), tmp_path / f"x{suffix}")
    loaded = load_radiograph(tmp_path / f"x{suffix}")
    assert np.abs(loaded.line_integral - chest).max() < 1e-4
    assert loaded.geometry == geometry
    assert loaded.view == "LL"
    assert loaded.calibrated


def test_image_that_does_not_fit_its_geometry_is_refused(tmp_path: Path, chest: NDArray[np.float32]) -> None:
    path = write(chest, tmp_path / "x.nrrd")
    write_geometry_file(assumed_film_geometry("PA", (64, 64)), tmp_path / "x.geometry.json", "line_integral")
    with pytest.raises(InputError, match="256 x 240"):
        load_radiograph(path)


@pytest.mark.real_data
def test_golden_projections_load_calibrated(patient_data: Path) -> None:
    files = sorted((patient_data / "golden").glob("*.nrrd"))
    assert files
    for path in files:
        radiograph = load_radiograph(path)
        assert radiograph.calibrated
        assert not radiograph.assumptions
        assert np.allclose(radiograph.line_integral, np.maximum(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), 0))
