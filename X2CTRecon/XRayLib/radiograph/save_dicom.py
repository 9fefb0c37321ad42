"""A radiograph as a DICOM X-Ray Angiographic image, the object that carries C-arm geometry in standard tags."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry import GeometryFile, XRayGeometry, image_axes_of, isocenter_depth_mm, write_private_geometry
from XRayLib.radiograph.radiograph import Radiograph
from XRayLib.whole_file import whole_file

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

LARGEST_STORED = 65535
LABEL = "XRay3D: research use only, not for diagnosis"


def save_dicom(radiograph: Radiograph, path: Path, *, bone_dark: bool = False, study: str = "") -> None:
    """Write an XA image (PS3.3 A.14): 16 bit, values restored by Rescale Slope and Intercept.

    Calibrated radiographs are stored as line integrals (Pixel Intensity Relationship LOG), others as DISP.

    Parameters
    ----------
    radiograph : Radiograph
    path : Path
    bone_dark : bool
        Store inverted values as MONOCHROME1; readers that honour it show the same picture.
    study : str
        Radiographs saved with the same text belong to one study; empty: a study of its own.
    """
    dataset = radiograph_dataset(radiograph, bone_dark=bone_dark, study=study)
    try:
        with whole_file(path) as unfinished:
            dataset.save_as(unfinished, enforce_file_format=True)
    except OSError as error:
        raise InputError(f"{path.name} cannot be written: check that the folder exists and has room.") from error


def radiograph_dataset(radiograph: Radiograph, *, bone_dark: bool = False, study: str = "") -> Dataset:
    """The dataset of ``save_dicom``; the same radiograph gives the same bytes."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, XRayAngiographicImageStorage, generate_uid

    fingerprint = hashlib.sha256(radiograph.line_integral.tobytes())
    fingerprint.update(radiograph.geometry.ras_to_pixel.tobytes())
    identity = [fingerprint.hexdigest(), str(bone_dark)]
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = XRayAngiographicImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["instance", study, *identity])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study", study or identity[0]])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["series", study, *identity])
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    _put_identification(dataset, radiograph)
    _put_pixels(dataset, radiograph, bone_dark)
    put_geometry_tags(dataset, radiograph.geometry)
    intensity = "line_integral" if radiograph.calibrated else "display_bone_bright"
    write_private_geometry(dataset, GeometryFile(radiograph.geometry, intensity))
    return dataset


def _put_identification(dataset: Dataset, radiograph: Radiograph) -> None:
    """Patient, study, series, equipment and image modules; no real person's data."""
    dataset.PatientName, dataset.PatientID = "XRay3D^Research", "XRAY3D"
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyDate = dataset.StudyTime = dataset.ReferringPhysicianName = ""
    dataset.StudyID = dataset.AccessionNumber = ""
    dataset.StudyDescription = dataset.SeriesDescription = LABEL
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "XA", 1, 1
    dataset.ContentDate = dataset.ContentTime = ""
    dataset.Manufacturer = "XRay3D project"
    dataset.ManufacturerModelName = "XRay3D"
    dataset.ImageType = ["DERIVED", "SECONDARY", "SINGLE PLANE"]
    dataset.DerivationDescription = radiograph.source[:1024]
    dataset.ImageComments = LABEL
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    # X-Ray Acquisition Module: type 1 and 2 attributes of an exposure that nobody was given.
    dataset.RadiationSetting = "GR"
    dataset.KVP = dataset.XRayTubeCurrent = dataset.ExposureTime = None


def _put_pixels(dataset: Dataset, radiograph: Radiograph, bone_dark: bool) -> None:
    from pydicom.valuerep import DSfloat

    image = radiograph.line_integral
    low, high = min(0.0, float(image.min())), float(image.max())
    slope = DSfloat((high - low) / LARGEST_STORED if high > low else 1.0, auto_format=True)
    intercept = DSfloat(low, auto_format=True)
    stored = _quantised(image, float(slope), float(intercept))
    if bone_dark:
        stored = LARGEST_STORED - stored
    rows, columns = image.shape
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if bone_dark else "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG" if radiograph.calibrated else "DISP"
    dataset.PixelIntensityRelationshipSign = 1 if bone_dark else -1
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = slope, intercept, "US"
    dataset.WindowCenter = DSfloat((low + high) / 2, auto_format=True)
    dataset.WindowWidth = DSfloat(max(high - low, 1e-3), auto_format=True)
    dataset.PixelData = stored.astype("<u2").tobytes()


def _quantised(image: NDArray[np.float32], slope: float, intercept: float) -> NDArray[np.int64]:
    return np.clip(np.rint((image.astype(np.float64) - intercept) / slope), 0, LARGEST_STORED).astype(np.int64)


def put_geometry_tags(dataset: Dataset, geometry: XRayGeometry) -> None:
    """Standard attributes of the geometry: positioner angles, distances, magnification, spacing, image axes."""
    from pydicom.valuerep import DSfloat

    def decimal(value: float) -> DSfloat:
        return DSfloat(value, auto_format=True)

    depth_mm, _ = isocenter_depth_mm(geometry)
    dataset.PositionerMotion = "STATIC"
    dataset.PositionerPrimaryAngle = decimal(geometry.primary_angle_deg)
    dataset.PositionerSecondaryAngle = decimal(geometry.secondary_angle_deg)
    dataset.DistanceSourceToDetector = decimal(geometry.source_to_detector_mm)
    dataset.DistanceSourceToPatient = decimal(depth_mm)
    dataset.EstimatedRadiographicMagnificationFactor = decimal(geometry.source_to_detector_mm / depth_mm)
    dataset.ImagerPixelSpacing = [decimal(spacing) for spacing in geometry.pixel_spacing_mm]
    dataset.PatientOrientation = image_axes_of(geometry)
