"""Volumes survive files, and what is no CT is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from XRayLib.ct import Volume, load_ct, load_volume, save_volume
from XRayLib.errors import InputError


@pytest.fixture
def oblique_volume() -> Volume:
    rng = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * (0.8, 1.1, 2.5)
    matrix[:3, 3] = (12.0, -30.0, 400.0)
    return Volume(rng.integers(-1000, 2000, size=(4, 5, 6)).astype(np.float32), matrix)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_a_saved_volume_reads_back_the_same(oblique_volume: Volume, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ct{suffix}"
    save_volume(oblique_volume, path)
    read = load_ct(path)
    np.testing.assert_array_equal(read.voxels, oblique_volume.voxels)
    np.testing.assert_allclose(read.ijk_to_ras, oblique_volume.ijk_to_ras, atol=1e-4)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_attenuation_keeps_its_fractions(tmp_path: Path) -> None:
    volume = Volume.axis_aligned(np.full((2, 2, 2), 0.0213, np.float32), (1, 1, 1), quantity="mu_per_mm")
    save_volume(volume, tmp_path / "mu.nrrd")
    np.testing.assert_array_equal(load_volume(tmp_path / "mu.nrrd", "mu_per_mm").voxels, volume.voxels)


def test_files_are_in_lps_and_memory_in_ras(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.full((2, 2, 2), -1000, np.int16))
    image.SetOrigin((10.0, 20.0, 30.0))
    sitk.WriteImage(image, tmp_path / "a.nrrd")
    volume = load_ct(tmp_path / "a.nrrd")
    np.testing.assert_allclose(volume.ijk_to_ras[:3, 3], (-10, -20, 30))
    np.testing.assert_allclose(np.diag(volume.ijk_to_ras), (-1, -1, 1, 1))


def test_padding_below_air_is_raised_to_air(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.full((2, 2, 2), -3024, np.int16)), tmp_path / "a.nrrd")
    assert load_ct(tmp_path / "a.nrrd").voxels.min() == -1024


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.full((2, 2, 2), 100, np.int16), "Hounsfield"),
        (np.full((2, 2, 2), np.nan, np.float32), "not numbers"),
        (np.zeros((3, 3), np.int16), "three-dimensional"),
        (np.zeros((2, 2, 2, 2), np.int16), "three-dimensional"),
    ],
)
def test_what_is_no_ct_is_refused(tmp_path: Path, array: np.ndarray, sentence: str) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(array), tmp_path / "a.nrrd")
    with pytest.raises(InputError, match=sentence):
        load_ct(tmp_path / "a.nrrd")


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd", "ct.mha", "ct.dcm", "ct.png"])
def test_garbage_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01garbage" * 50)
    with pytest.raises(InputError):
        load_ct(tmp_path / name)


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_ct(tmp_path / "no.nii.gz")
    with pytest.raises(InputError, match="no DICOM slices"):
        load_ct(tmp_path)


def test_sheared_axes_are_not_written(tmp_path: Path) -> None:
    matrix = np.eye(4)
    matrix[0, 2] = 0.3
    with pytest.raises(InputError, match="resample"):
        save_volume(Volume(np.zeros((2, 2, 2), np.float32), matrix), tmp_path / "a.nrrd")
    assert not list(tmp_path.iterdir())


def _write_slice(folder: Path, position_lps: tuple[float, ...], pixels: np.ndarray, **changes: object) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.SeriesInstanceUID = "CT", "1.2.3"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = list(position_lps), [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [2.0, 1.5]
    ds.RescaleSlope, ds.RescaleIntercept = 2, -1024
    ds.Rows, ds.Columns = pixels.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = pixels.astype("<u2").tobytes()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.save_as(folder / f"{generate_uid()}.dcm", enforce_file_format=True)


def test_dicom_slices_are_sorted_by_position_and_rescaled(tmp_path: Path) -> None:
    for z in (9.0, 3.0, 6.0):
        _write_slice(tmp_path, (10.0, 20.0, z), np.full((3, 4), int(z)))
    _write_slice(tmp_path, (0.0, 0.0, 0.0), np.zeros((3, 4)), SeriesInstanceUID="1.2.4")
    volume = load_ct(tmp_path)
    np.testing.assert_array_equal(volume.voxels[:, 0, 0], 2 * np.array([3, 6, 9]) - 1024)
    assert volume.voxels.shape == (3, 3, 4)
    np.testing.assert_allclose(volume.ijk_to_ras @ (1, 2, 1, 1), (-11.5, -24.0, 6.0, 1))


def test_copies_of_slices_are_left_out_and_phases_are_not_mixed(tmp_path: Path) -> None:
    for z in (0.0, 2.0, 4.0):
        for _copy in range(2):
            _write_slice(tmp_path, (0.0, 0.0, z), np.full((3, 3), int(z)))
    np.testing.assert_array_equal(load_ct(tmp_path).voxels[:, 1, 1], 2 * np.array([0, 2, 4]) - 1024)
    _write_slice(tmp_path, (0.0, 0.0, 2.0), np.full((3, 3), 9))
    with pytest.raises(InputError, match="phases of breathing"):
        load_ct(tmp_path)


def test_one_missing_slice_is_interpolated_and_more_are_refused(tmp_path: Path) -> None:
    for z in (0.0, 2.0, 4.0, 8.0, 10.0):
        _write_slice(tmp_path, (0.0, 0.0, z), np.full((3, 3), int(z)))
    volume = load_ct(tmp_path)
    np.testing.assert_allclose(volume.voxels[:, 1, 1], 2 * np.arange(0, 11, 2) - 1024)
    _write_slice(tmp_path, (0.0, 0.0, 16.0), np.zeros((3, 3)))
    with pytest.raises(InputError, match="lacks slices"):
        load_ct(tmp_path)


def test_a_tilted_gantry_shears_the_volume_instead_of_squaring_it(tmp_path: Path) -> None:
    for n in range(3):
        _write_slice(tmp_path, (0.0, 0.5 * n, 2.0 * n), np.zeros((3, 3)))
    np.testing.assert_allclose(load_ct(tmp_path).ijk_to_ras[:3, 2], (0, -0.5, 2))


def test_another_modality_and_a_single_slice_are_refused(tmp_path: Path) -> None:
    _write_slice(tmp_path, (0.0, 0.0, 0.0), np.zeros((3, 3)))
    with pytest.raises(InputError, match="single slice"):
        load_ct(tmp_path)
    with pytest.raises(InputError, match="single DICOM image"):
        load_ct(next(tmp_path.iterdir()))
    for z in (1.0, 2.0):
        _write_slice(tmp_path, (0.0, 0.0, z), np.zeros((3, 3)), Modality="MR", SeriesInstanceUID="1.2.9")
    with pytest.raises(InputError, match="modality MR"):
        load_ct(tmp_path)


def test_an_enhanced_multi_frame_ct_reads_like_its_slices(tmp_path: Path) -> None:
    _write_slice(tmp_path, (0.0, 0.0, 0.0), np.zeros((2, 2)))
    ds = pydicom.dcmread(next(tmp_path.iterdir()))
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(ds, keyword)
    del ds.RescaleSlope, ds.RescaleIntercept
    measures, plane, values, shared = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, plane.ImageOrientationPatient = [1.0, 1.0], [1, 0, 0, 0, 1, 0]
    values.RescaleSlope, values.RescaleIntercept = 1, -1000
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [plane]
    shared.PixelValueTransformationSequence = [values]
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], []
    for z in (5.0, 0.0):
        position, frame = Dataset(), Dataset()
        position.ImagePositionPatient = [0.0, 0.0, z]
        frame.PlanePositionSequence = [position]
        ds.PerFrameFunctionalGroupsSequence.append(frame)
    ds.NumberOfFrames = 2
    ds.PixelData = np.repeat([[50], [7]], 4, axis=1).astype("<u2").tobytes()
    ds.save_as(tmp_path / "enhanced.dcm")
    volume = load_ct(tmp_path / "enhanced.dcm")
    np.testing.assert_array_equal(volume.voxels[:, 0, 0], (7 - 1000, 50 - 1000))
    np.testing.assert_allclose(volume.ijk_to_ras[:3, 2], (0, 0, 5))
