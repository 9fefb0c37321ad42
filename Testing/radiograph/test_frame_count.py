"""How many X-rays a file holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from XRayLib.errors import InputError
from XRayLib.radiograph.frame_count import frame_count


def write_dicom(path: Path, frames: int) -> Path:
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.Rows, dataset.Columns = "XA", 8, 8
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.PixelData = np.zeros((frames, 8, 8), np.uint16).tobytes()
    pydicom.dcmwrite(path, dataset)
    return path


@pytest.mark.parametrize("frames", [1, 5])
def test_dicom(tmp_path: Path, frames: int) -> None:
    assert frame_count(write_dicom(tmp_path / "run.dcm", frames)) == frames


def test_tiff_pages(tmp_path: Path) -> None:
    from PIL import Image

    pages = [Image.fromarray(np.full((6, 7), n, np.uint16)) for n in range(3)]
    pages[0].save(tmp_path / "run.tif", save_all=True, append_images=pages[1:])
    assert frame_count(tmp_path / "run.tif") == 3


def test_stacks_and_single_images(tmp_path: Path) -> None:
    import SimpleITK as sitk
    from PIL import Image

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 6, 7), np.float32)), str(tmp_path / "run.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((6, 7), np.float32)), str(tmp_path / "film.mha"))
    Image.fromarray(np.zeros((6, 7), np.uint8)).save(tmp_path / "film.png")
    assert frame_count(tmp_path / "run.nrrd") == 4
    assert frame_count(tmp_path / "film.mha") == 1
    assert frame_count(tmp_path / "film.png") == 1


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tif"
    damaged.write_bytes(b"II*\0" + b"\xff" * 60)
    with pytest.raises(InputError, match=r"damaged\.tif"):
        frame_count(damaged)
    with pytest.raises(InputError, match="not exist"):
        frame_count(tmp_path / "nowhere.dcm")
