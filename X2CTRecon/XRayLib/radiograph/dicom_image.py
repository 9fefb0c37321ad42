"""Radiographs from DICOM files: CR, DX, XA, RF and secondary captures of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from XRayLib.errors import InputError
from XRayLib.geometry.dicom_frame_tags import FrameTags
from XRayLib.geometry.private_block import read_private_geometry
from XRayLib.radiograph.decoded_image import DecodedImage
from XRayLib.radiograph.dicom_intensity import is_inverted, stated_intensity
from XRayLib.radiograph.dicom_object import UNSPECIFIC_MODALITIES, check_is_radiograph, read_dataset, silenced
from XRayLib.radiograph.dicom_pixels import StoredPixels, stored_pixels
from XRayLib.radiograph.dicom_shutter import stated_field, unpadded

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

OPPOSITE = {"display_bone_bright": "display_bone_dark", "display_bone_dark": "display_bone_bright"}
"""The kind of an image whose rescale turns it negative."""


def read_dicom_image(path: Path, frame_index: int = 0) -> DecodedImage:
    """One frame of a DICOM radiograph, modality rescale applied.

    Raises
    ------
    InputError
        When the object is no radiograph, is in colour, or contradicts itself. Malformed files may raise nearly anything
        else.
    """
    dataset = read_dataset(path)
    modality = check_is_radiograph(dataset, path.name)
    stored = stored_pixels(dataset, path.name, frame_index)
    tags = FrameTags(dataset, frame_index)
    with silenced():
        fields = [f for f in (stored.field, unpadded(tags, stored.values)) if f is not None]
        shutter = stated_field(tags, stored.values.shape)
    if shutter is not None:
        fields.append(shutter)
    notes = list(stored.notes)
    if modality in UNSPECIFIC_MODALITIES:
        notes.append("The file does not say that it is a radiograph: taken as one.")
    kind, likely, certainty = stated_intensity(tags)
    if (tags.number("RescaleSlope") or 1.0) < 0:
        kind, likely = OPPOSITE.get(kind, kind), OPPOSITE.get(likely, likely)
    pixels = _rescaled(dataset, tags, stored, path.name, invert=False)
    own = read_private_geometry(dataset)
    if own is not None and own.intensity:
        kind = own.intensity
        if is_inverted(tags):
            pixels = _rescaled(dataset, tags, stored, path.name, invert=True)
    return DecodedImage(
        pixels=pixels,
        intensity=kind,
        likely=likely,
        certainty=certainty,
        field=np.logical_and.reduce(fields) if fields else None,
        dataset=dataset,
        notes=tuple(notes),
    )


def _rescaled(
    dataset: Dataset, tags: FrameTags, stored: StoredPixels, name: str, *, invert: bool
) -> NDArray[np.generic]:
    """Modality LUT or rescale applied; ``invert`` mirrors the stored range first (MONOCHROME1 of our own files)."""
    values = stored.highest - stored.values.astype(np.float64) if invert else stored.values
    if dataset.get("ModalityLUTSequence"):
        from pydicom.pixels import apply_modality_lut

        with silenced():
            return apply_modality_lut(stored.values, dataset)
    slope, intercept = tags.number("RescaleSlope"), tags.number("RescaleIntercept")
    if slope is None or (slope == 1.0 and not intercept):
        return values
    if slope == 0.0:
        raise InputError(f"{name} is damaged: its Rescale Slope is zero. Export it again.")
    return (values.astype(np.float64) * slope + (intercept or 0.0)).astype(np.float32)
