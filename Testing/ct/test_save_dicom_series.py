"""A volume written as DICOM slices comes back where it was, and says on every slice what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from XRayLib.ct import Volume, load_ct
from XRayLib.ct.save_dicom_series import SERIES_DESCRIPTION, save_dicom_series
from XRayLib.errors import InputError

SIZE_KJI = (9, 11, 13)


def a_volume(ijk_to_ras: np.ndarray) -> Volume:
    rng = np.random.default_rng(3)
    voxels = rng.integers(-1000, 1800, SIZE_KJI).astype(np.float32)
    return Volume(voxels, ijk_to_ras)


def upright() -> np.ndarray:
    matrix = np.diag([0.7, 0.9, 2.5, 1.0])
    matrix[:3, 3] = (-31.25, 12.5, -140.75)
    return matrix


def coronal_stack() -> np.ndarray:
    """i to the left, j to the feet, k to the front: as a stack of coronal slices lies."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[-0.8, 0, 0], [0, 0, 3.0], [0, -1.1, 0]])
    matrix[:3, 3] = (55.0, -70.0, 31.0)
    return matrix


def tilted() -> np.ndarray:
    from scipy.spatial.transform import Rotation

    matrix = upright()
    matrix[:3, :3] = Rotation.from_euler("xyz", [12, -7, 20], degrees=True).as_matrix() @ matrix[:3, :3]
    return matrix


def value_at(volume: Volume, ras: np.ndarray) -> float:
    i, j, k = np.rint(np.linalg.inv(volume.ijk_to_ras) @ [*ras, 1.0])[:3].astype(int)
    return float(volume.voxels[k, j, i])


@pytest.mark.parametrize("place", [upright, coronal_stack, tilted])
def test_every_voxel_comes_back_in_its_place(tmp_path: Path, place) -> None:
    volume = a_volume(place())
    save_dicom_series(volume, tmp_path / "series")
    back = load_ct(tmp_path / "series")
    assert sorted(back.voxels.shape) == sorted(volume.voxels.shape)
    rng = np.random.default_rng(5)
    for _ in range(60):
        k, j, i = (int(rng.integers(size)) for size in SIZE_KJI)
        ras = (volume.ijk_to_ras @ [i, j, k, 1.0])[:3]
        assert value_at(back, ras) == volume.voxels[k, j, i]
        np.testing.assert_allclose(np.linalg.inv(back.ijk_to_ras) @ [*ras, 1.0] % 1.0 % 0.999, 0, atol=2e-3)


def test_another_reader_sees_the_same_place(tmp_path: Path) -> None:
    import SimpleITK as sitk
    from XRayLib.ct.load import ijk_to_ras_of

    volume = a_volume(coronal_stack())
    save_dicom_series(volume, tmp_path / "series")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "series")))
    image = reader.Execute()
    back = Volume(sitk.GetArrayFromImage(image).astype(np.float32), ijk_to_ras_of(image))
    ras = (volume.ijk_to_ras @ [4, 7, 2, 1.0])[:3]
    assert value_at(back, ras) == volume.voxels[2, 7, 4]


def test_slices_are_axial_and_run_to_the_head(tmp_path: Path) -> None:
    import pydicom

    files = save_dicom_series(a_volume(coronal_stack()), tmp_path / "series")
    slices = [pydicom.dcmread(file) for file in files]
    assert len(slices) == 11
    np.testing.assert_allclose(slices[0].ImageOrientationPatient, [1, 0, 0, 0, 1, 0], atol=1e-6)
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    assert heights == sorted(heights)
    assert [s.InstanceNumber for s in slices] == list(range(1, 12))


def test_every_slice_says_that_it_is_no_measured_ct(tmp_path: Path) -> None:
    import pydicom

    files = save_dicom_series(a_volume(upright()), tmp_path / "series", method="x2ct-cnn")
    slices = [pydicom.dcmread(file) for file in files]
    assert len({s.SOPInstanceUID for s in slices}) == len(slices)
    assert len({(s.StudyInstanceUID, s.SeriesInstanceUID, s.FrameOfReferenceUID) for s in slices}) == 1
    for one in slices:
        assert list(one.ImageType)[:2] == ["DERIVED", "SECONDARY"]
        assert one.SeriesDescription == SERIES_DESCRIPTION == "RESEARCH - RECONSTRUCTED FROM X-RAYS"
        assert one.ContentQualification == "RESEARCH"
        assert "not a measured CT" in one.ImageComments
        assert "x2ct-cnn" in one.DerivationDescription
        assert one.PatientName == "XRay3D^Research"
        assert (one.RescaleSlope, one.RescaleIntercept) == (1, -1024)
        assert one.KVP is None


def test_the_same_volume_gets_the_same_uids_and_another_gets_others(tmp_path: Path) -> None:
    import pydicom

    volume = a_volume(upright())
    other = Volume(volume.voxels + 1, volume.ijk_to_ras)
    series = [
        pydicom.dcmread(save_dicom_series(v, tmp_path / name)[0]).SeriesInstanceUID
        for name, v in (("a", volume), ("b", volume), ("c", other))
    ]
    assert series[0] == series[1] != series[2]


def test_what_cannot_be_written_is_refused_in_words_and_leaves_nothing(tmp_path: Path) -> None:
    sheared = upright()
    sheared[0, 2] = 1.0
    with pytest.raises(InputError, match="not perpendicular"):
        save_dicom_series(a_volume(sheared), tmp_path / "series")
    with pytest.raises(InputError, match="is in mu_per_mm"):
        save_dicom_series(Volume(np.zeros(SIZE_KJI, np.float32), upright(), "mu_per_mm"), tmp_path / "series")
    with pytest.raises(InputError, match="cannot be written"):
        save_dicom_series(a_volume(upright()), tmp_path / "nowhere" / "series")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other.dcm").write_bytes(b"")
    with pytest.raises(InputError, match="not empty"):
        save_dicom_series(a_volume(upright()), tmp_path / "full")
    assert [p.name for p in tmp_path.iterdir()] == ["full"]


def test_the_command_exports_a_volume_file(tmp_path: Path) -> None:
    import json

    from typer.testing import CliRunner
    from XRayLib.cli.app import app
    from XRayLib.ct import save_volume

    save_volume(a_volume(upright()), tmp_path / "volume.nii.gz")
    arguments = ["export-dicom", str(tmp_path / "volume.nii.gz"), "-o", str(tmp_path / "series"), "--json"]
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 0, outcome.output
    assert json.loads(outcome.stdout)["slices"] == SIZE_KJI[0]
    assert CliRunner().invoke(app, arguments).exit_code == 2
