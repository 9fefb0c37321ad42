"""A drawn chest, and DICOM datasets of any description around an array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DicomFile = Callable[..., Path]
"""What the fixture ``dicom_file`` gives."""


def drawn_chest(rows: int = 240, columns: int = 256) -> NDArray[np.float32]:
    """Line integrals, 0 to about 5, of a frontal chest between strips of air: soft tissue, two lungs, spine, heart."""
    down, across = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    half_width = 0.85 - 0.12 * down**2 - 0.05 * np.cos(5 * down)
    body = 3.6 * np.sqrt(np.maximum(0.0, 1 - (across / half_width) ** 2))
    lungs = sum(np.exp(-(((across - side) / 0.24) ** 4) - ((down + 0.1) / 0.6) ** 4) for side in (-0.42, 0.42))
    spine = 1.3 * np.exp(-((across / 0.1) ** 4))
    heart = 0.8 * np.exp(-(((across - 0.12) / 0.25) ** 4) - ((down - 0.25) / 0.25) ** 4)
    return np.where(body > 0, np.maximum(body - 2.2 * lungs + spine + heart, 0.0), 0.0).astype(np.float32)


def dicom_dataset(pixels: NDArray[np.generic], **attributes: Any) -> Any:
    """A DX dataset of (rows, columns) or (frames, rows, columns) pixels; an attribute of None is left out."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = attributes.pop("SOPClassUID", DigitalXRayImageStorageForPresentation)
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    bits = 8 * pixels.dtype.itemsize
    described = {
        "Modality": "DX",
        "PatientName": "Nobody^Known",
        "ViewPosition": "PA",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[-2],
        "Columns": pixels.shape[-1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "NumberOfFrames": pixels.shape[0] if pixels.ndim == 3 else None,
        "PixelData": pixels.tobytes(),
    }
    for keyword, value in (described | attributes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset
