"""A reconstructed volume as a DICOM CT series that says on every slice that it was derived, not measured."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct.load import LPS_TO_RAS
from XRayLib.ct.volume import Volume
from XRayLib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES_DESCRIPTION = "RESEARCH - RECONSTRUCTED FROM X-RAYS"
COMMENT = (
    "Research use only, not for diagnosis. Computed from X-ray projections; not a measured CT. Internal detail is a "
    "plausible estimate; lesions may be missing or invented."
)
STORED_AIR_HU = -1024
"""Rescale Intercept: the value 0 is stored for this."""


def save_dicom_series(volume: Volume, folder: str | Path, method: str = "") -> list[Path]:
    """Write ``slice_0001.dcm`` ... (CT Image, PS3.3 A.3; one axial slice each) into a new or empty folder.

    Voxels are stored as HU rounded to integers from -1024 on. Slices run from the feet to the head, rows to the
    patient's left, columns to the back: axes are swapped and turned for that, values are not interpolated. The series
    belongs to a study of its own and to no real patient; the same volume gets the same UIDs.

    Parameters
    ----------
    volume : in HU, RAS.
    method : how it was computed, for Derivation Description.

    Raises
    ------
    InputError
        For a volume in other units or with axes that are not perpendicular, a folder that is not empty or cannot be
        written.
    """
    folder = Path(folder)
    if volume.quantity != "HU":
        raise InputError(f"A DICOM CT holds HU, this volume is in {volume.quantity}.")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder.name} is a file: name a new folder for the DICOM slices.")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder.name} is not empty: choose a new folder for the DICOM slices.")
    voxels, ijk_to_lps = _axial(volume)
    stored = np.clip(np.rint(voxels) - STORED_AIR_HU, 0, 65535).astype("<u2")
    common = _series_dataset(volume, method)
    _put_grid(common, stored.shape, ijk_to_lps)
    try:
        return _write_whole(common, stored, ijk_to_lps, folder)
    except OSError as error:
        raise InputError(f"{folder.name} cannot be written: check that its folder exists and has room.") from error


def _axial(volume: Volume) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The voxels with i toward left, j toward posterior, k toward superior as nearly as their grid allows, and their
    (4, 4) ijk_to_lps."""
    ijk_to_lps = LPS_TO_RAS @ volume.ijk_to_ras
    directions = ijk_to_lps[:3, :3] / volume.spacing_mm
    if not np.allclose(directions.T @ directions, np.eye(3), atol=1e-4):
        raise InputError("The volume's axes are not perpendicular, which slices cannot store: resample it first.")
    order = _nearest_axes(np.abs(directions))
    signs = [directions[axis, order[axis]] >= 0 for axis in range(3)]
    voxels = volume.voxels.transpose([2 - order[axis] for axis in (2, 1, 0)])
    voxels = voxels[tuple(slice(None, None, 1 if signs[axis] else -1) for axis in (2, 1, 0))]
    matrix, shape_ijk = np.eye(4), volume.voxels.shape[::-1]
    corner = np.zeros(4)
    corner[3] = 1
    for axis in range(3):
        old = order[axis]
        matrix[:3, axis] = ijk_to_lps[:3, old] * (1 if signs[axis] else -1)
        corner[old] = 0 if signs[axis] else shape_ijk[old] - 1
    matrix[:3, 3] = (ijk_to_lps @ corner)[:3]
    return np.ascontiguousarray(voxels), matrix


def _nearest_axes(cosines: NDArray[np.float64]) -> list[int]:
    """For each of L, P, S the voxel axis that is nearest to it; every axis is taken once."""
    from itertools import permutations

    return list(max(permutations(range(3)), key=lambda order: sum(cosines[axis, order[axis]] for axis in range(3))))


def _series_dataset(volume: Volume, method: str) -> Dataset:
    """Everything but grid and pixels; no real person's data, no acquisition that nobody made."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    fingerprint = hashlib.sha256(volume.voxels.tobytes() + volume.ijk_to_ras.tobytes() + method.encode()).hexdigest()
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["reconstruction study", fingerprint])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["reconstruction series", fingerprint])
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=["reconstruction frame", fingerprint])
    dataset.PatientName, dataset.PatientID = "XRay3D^Research", "XRAY3D"
    dataset.PatientBirthDate = dataset.PatientSex = dataset.PatientPosition = ""
    dataset.StudyDate = dataset.StudyTime = dataset.ReferringPhysicianName = ""
    dataset.StudyID = dataset.AccessionNumber = dataset.PositionReferenceIndicator = ""
    dataset.StudyDescription = dataset.SeriesDescription = SERIES_DESCRIPTION
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.Modality, dataset.SeriesNumber = "CT", 1
    dataset.Manufacturer, dataset.ManufacturerModelName = "XRay3D project", "XRay3D"
    dataset.ContentQualification = "RESEARCH"
    dataset.DerivationDescription = f"Reconstructed from X-rays, method {method or 'not stated'}"[:1024]
    dataset.ImageComments = COMMENT
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.KVP = dataset.AcquisitionNumber = None  # required to be there; nothing was acquired
    return dataset


def _put_grid(dataset: Dataset, shape: tuple[int, ...], ijk_to_lps: NDArray[np.float64]) -> None:
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    dataset.Rows, dataset.Columns = shape[1], shape[2]
    dataset.PixelSpacing = _decimals([spacing[1], spacing[0]])
    dataset.SliceThickness = _decimals([spacing[2]])[0]
    dataset.SpacingBetweenSlices = dataset.SliceThickness
    dataset.ImageOrientationPatient = _decimals([*ijk_to_lps[:3, 0] / spacing[0], *ijk_to_lps[:3, 1] / spacing[1]])
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", str(STORED_AIR_HU), "HU"
    dataset.WindowCenter, dataset.WindowWidth = "-200", "1400"


def _write_whole(
    common: Dataset, stored: NDArray[np.uint16], ijk_to_lps: NDArray[np.float64], folder: Path
) -> list[Path]:
    """All slices or none: they are written beside the folder and then moved into place."""
    from pydicom.uid import generate_uid

    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.resolve().parent))
    try:
        for index, pixels in enumerate(stored):
            position = (ijk_to_lps @ [0, 0, index, 1])[:3]
            common.SOPInstanceUID = generate_uid(entropy_srcs=[common.SeriesInstanceUID, str(index)])
            common.file_meta.MediaStorageSOPInstanceUID = common.SOPInstanceUID
            common.InstanceNumber = index + 1
            common.ImagePositionPatient = _decimals(position)
            common.PixelData = pixels.tobytes()
            common.save_as(unfinished / f"slice_{index + 1:04d}.dcm", enforce_file_format=True)
        folder.mkdir(exist_ok=True)
        return [file.replace(folder / file.name) for file in sorted(unfinished.iterdir())]
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _decimals(values: NDArray[np.float64] | list[float]) -> list:
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in values]
