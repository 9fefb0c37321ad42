"""The films at the resolutions of the CT's pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.isocenter import isocenter_depth_mm
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser


@dataclass(frozen=True)
class Film:
    """One film at one resolution: line integrals, what of them counts, and the geometry of this pixel grid."""

    image: NDArray[np.float32]
    mask: NDArray[np.bool_]
    signal: NDArray[np.float32]
    """Share, 0 to 1, of the contrast around each pixel that is not noise; 0 where masked."""
    geometry: XRayGeometry


def film_at(radiograph: Radiograph, spacing_at_patient_mm: float, window_px: int) -> Film:
    """The film averaged to pixels that are ``spacing_at_patient_mm`` wide where the patient is, or left as it is.

    Masked pixels do not enter the averages; a coarse pixel counts when most of it does. ``window_px``: side of the
    neighbourhoods in which signal and noise are told apart.
    """
    image, mask, geometry = _averaged(radiograph, spacing_at_patient_mm)
    return Film(image, mask, LocalNormaliser(mask, window_px).signal_share(image), geometry)


def _averaged(
    radiograph: Radiograph, spacing_at_patient_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_], XRayGeometry]:
    import cv2

    geometry = radiograph.geometry
    depth_mm, _ = isocenter_depth_mm(geometry)
    wanted_mm = spacing_at_patient_mm * geometry.source_to_detector_mm / depth_mm
    row_mm, column_mm = geometry.pixel_spacing_mm
    columns, rows = geometry.size_px
    size = (
        max(4, round(columns * min(1.0, column_mm / wanted_mm))),
        max(4, round(rows * min(1.0, row_mm / wanted_mm))),
    )
    counts = np.ones((rows, columns), np.float32) if radiograph.mask is None else radiograph.mask.astype(np.float32)
    if size == (columns, rows):
        return radiograph.line_integral, counts > 0, geometry
    weight = cv2.resize(counts, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(radiograph.line_integral * counts, size, interpolation=cv2.INTER_AREA)
    mask = weight > 0.5
    image = np.where(mask, total / np.maximum(weight, 1e-6), 0).astype(np.float32)
    return image, mask, geometry.resampled(size)


def films_at(radiographs: Sequence[Radiograph], spacing_at_patient_mm: float, window_px: int) -> tuple[Film, ...]:
    """:func:`film_at` of every film."""
    return tuple(film_at(radiograph, spacing_at_patient_mm, window_px) for radiograph in radiographs)
