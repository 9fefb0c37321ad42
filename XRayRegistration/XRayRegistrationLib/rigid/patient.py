"""The CT made ready for registration, kept while the same one is registered again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume, body_mask
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.isocenter import isocenter_depth_mm
from XRayLib.radiograph import Radiograph
from XRayLib.simulate.radiograph_simulation import cropped_to_body

from XRayRegistrationLib.rigid.attenuation_pyramid import AttenuationPyramid
from XRayRegistrationLib.rigid.cut_faces import TISSUE_HU, CutFaces

PIXELS_ACROSS = 50
"""Of the coarsest films: about this many across the field or the patient, whichever is smaller."""

COARSEST_MM = 8.0
FINEST_MM = 1.0
LEVELS = 4


SMALLEST_TABLE_ML = 150.0
"""Less than this outside the skin is no table."""


@dataclass(frozen=True)
class Patient:
    """The CT ready to be projected, and where the scan cuts through the body."""

    pyramid: AttenuationPyramid
    """Without the scanner's table: X-ray rooms have another or none."""
    with_table: AttenuationPyramid | None
    """With it, for films that do show it (phantoms, radiotherapy, simulated films); None when the CT has none."""
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
        _last = (key, _prepare(ct, coarsest_mm, finest_mm, device))
    return _last[1]


def _prepare(ct: Volume, coarsest_mm: float, finest_mm: float, device: str) -> Patient:
    scan = cropped_to_body(ct)
    inside = _patient_mask(scan)
    body = cropped_to_body(Volume(np.where(inside, scan.voxels, np.float32(-1000)), scan.ijk_to_ras))
    pivot = body.center_ras_mm
    outside_ml = float((scan.voxels[~inside] > TISSUE_HU).sum() * np.prod(scan.spacing_mm) * 1e-3)
    with_table = None
    if outside_ml > SMALLEST_TABLE_ML:
        with_table = AttenuationPyramid(scan, pivot, coarsest_mm, finest_mm, device=device)
    pyramid = AttenuationPyramid(body, pivot, coarsest_mm, finest_mm, device=device)
    return Patient(pyramid, with_table, CutFaces(body))


def _patient_mask(scan: Volume) -> NDArray[np.bool_]:
    """What is not table: all of a scan that holds no body, such as a single bone or a phantom."""
    try:
        return body_mask(scan)
    except InputError:
        if not (scan.voxels > TISSUE_HU).any():
            raise
        return np.ones(scan.voxels.shape, bool)


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
