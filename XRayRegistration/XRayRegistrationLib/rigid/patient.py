"""The CT made ready for registration, kept while the same one is registered again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.isocenter import isocenter_depth_mm
from XRayLib.radiograph import Radiograph

from XRayRegistrationLib.rigid.attenuation_pyramid import AttenuationPyramid
from XRayRegistrationLib.rigid.cut_faces import CutFaces

PIXELS_ACROSS = 50
"""Of the coarsest films: about this many across the field or the patient, whichever is smaller."""

COARSEST_MM = 8.0
FINEST_MM = 1.0
LEVELS = 4


@dataclass(frozen=True)
class Patient:
    """The CT's pyramid and where the scan cuts through the body."""

    pyramid: AttenuationPyramid
    cut_faces: CutFaces


_last: tuple[tuple[str, float, float, str], Patient] | None = None


def patient_of(ct: Volume, radiographs: Sequence[Radiograph], device: str) -> Patient:
    """The CT ready for these films; the one before is kept, as a sequence or a second try asks for it again."""
    global _last
    coarsest_mm = coarsest_spacing_mm(ct, radiographs)
    finest_mm = max(coarsest_mm / 2 ** (LEVELS - 1), 0.7 * _finest_useful_mm(ct, radiographs))
    key = (_digest(ct), coarsest_mm, finest_mm, device)
    if _last is None or _last[0] != key:
        _last = None
        pyramid = AttenuationPyramid(ct, coarsest_mm, finest_mm, device=device)
        _last = (key, Patient(pyramid, CutFaces(pyramid.body)))
    return _last[1]


def coarsest_spacing_mm(ct: Volume, radiographs: Sequence[Radiograph]) -> float:
    """Voxel size at which the search sees the whole anatomy in few pixels."""
    sides_mm = np.array(ct.voxels.shape[::-1]) * ct.spacing_mm
    field_mm = min(_field_at_patient_mm(radiograph.geometry) for radiograph in radiographs)
    return float(min(COARSEST_MM, min(field_mm, np.median(sides_mm)) / PIXELS_ACROSS * 1.25))


def _finest_useful_mm(ct: Volume, radiographs: Sequence[Radiograph]) -> float:
    """Neither finer than the films' pixels at the patient nor much finer than the voxels."""
    voxel_mm = float(np.prod(ct.spacing_mm) ** (1 / 3))
    pixels_mm = [
        min(r.geometry.pixel_spacing_mm) * isocenter_depth_mm(r.geometry)[0] / r.geometry.source_to_detector_mm
        for r in radiographs
    ]
    return min(FINEST_MM, max(min(pixels_mm), 0.5 * voxel_mm))


def _field_at_patient_mm(geometry: XRayGeometry) -> float:
    columns, rows = geometry.size_px
    row_mm, column_mm = geometry.pixel_spacing_mm
    depth_mm, _ = isocenter_depth_mm(geometry)
    return min(columns * column_mm, rows * row_mm) * depth_mm / geometry.source_to_detector_mm


def _digest(ct: Volume) -> str:
    digest = hashlib.sha1(ct.ijk_to_ras.tobytes(), usedforsecurity=False)
    digest.update(np.ascontiguousarray(ct.voxels).data)
    return digest.hexdigest()
