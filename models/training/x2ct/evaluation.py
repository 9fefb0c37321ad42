"""Held-out patients: reconstruction from simulated films against the mean of the training volumes and against air."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from X2CTReconLib.canonical import FRONTAL, LATERAL, CanonicalCube
from XRayLib.case import Case
from XRayLib.ct import Volume, load_ct, remove_table, resample
from XRayLib.geometry import XRayGeometry
from XRayLib.simulate import simulate_radiograph

from x2ct.patients import Patient

PSNR_RANGE_HU = 2500.0
AIR_HU = -1000.0
BODY_HU = -500.0

PRIMARY_ANGLE_DEG = {FRONTAL: 0.0, LATERAL: 90.0}


@dataclass(frozen=True)
class Room:
    """Where the films are taken: distances and detector in mm and pixels."""

    name: str
    source_to_detector_mm: float
    source_to_isocenter_mm: float
    detector_px: int = 256
    pixel_mm: float = 1.68

    def geometry(self, role: str, isocenter_ras_mm: NDArray[np.float64]) -> XRayGeometry:
        """The room's frontal or lateral view."""
        return XRayGeometry.from_c_arm(
            primary_angle_deg=PRIMARY_ANGLE_DEG[role],
            secondary_angle_deg=0.0,
            source_to_detector_mm=self.source_to_detector_mm,
            source_to_isocenter_mm=self.source_to_isocenter_mm,
            size_px=(self.detector_px, self.detector_px),
            pixel_spacing_mm=(self.pixel_mm, self.pixel_mm),
            isocenter_ras_mm=isocenter_ras_mm,
        )


ROOMS = (Room("chest stand 1800/1600 mm", 1800.0, 1600.0), Room("C-arm 1020/700 mm", 1020.0, 700.0, pixel_mm=2.0))


@dataclass(frozen=True)
class Score:
    """One patient, room and realism: PSNR-3D (dB, range 2500 HU) over the CT's extent and MAE (HU) in the body."""

    patient: str
    room: str
    realism: str
    views: int
    psnr_3d: float
    psnr_3d_template: float
    psnr_3d_air: float
    mae_body: float
    mae_body_template: float


Reconstruct = Callable[[Case], Volume]


def score_patient(
    path: Path,
    reconstruct: Reconstruct,
    template: NDArray[np.float32],
    edge_mm: float,
    views: tuple[str, ...],
    rooms: Iterable[Room] = ROOMS,
    realisms: Iterable[str] = ("none", "mild"),
) -> list[Score]:
    """Scores of a held-out CT, table removed, in the cube around the CT's middle. ``template`` HU along (S, A, R)."""
    ct = remove_table(load_ct(path))
    cube = CanonicalCube(ct.center_ras_mm, edge_mm, template.shape[0])
    grid = cube.volume(template)
    reference = resample(ct, grid.voxels.shape, grid.ijk_to_ras).voxels
    extent = Volume(np.ones(ct.voxels.shape, np.float32), ct.ijk_to_ras, "mu_per_mm")
    known = resample(extent, grid.voxels.shape, grid.ijk_to_ras, antialias=False).voxels > 0.5
    scores = []
    for room in rooms:
        for realism in realisms:
            geometries = [room.geometry(role, ct.center_ras_mm) for role in views]
            films = tuple(simulate_radiograph(ct, g, realism=realism, seed=1) for g in geometries)
            result = resample(reconstruct(Case(films)), grid.voxels.shape, grid.ijk_to_ras).voxels
            scores.append(
                Score(
                    path.name.split(".")[0],
                    room.name,
                    realism,
                    len(views),
                    psnr_3d(result, reference, known),
                    psnr_3d(template, reference, known),
                    psnr_3d(np.full_like(template, AIR_HU), reference, known),
                    mae(result, reference, known),
                    mae(template, reference, known),
                )
            )
    return scores


def psnr_3d(volume: NDArray[np.float32], reference: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
    """10 log10(2500^2 / mean squared error), both clipped to -1024..1476 HU."""
    a, b = (np.clip(x[known], -1024, 1476) for x in (volume, reference))
    return float(10 * np.log10(PSNR_RANGE_HU**2 / np.mean((a - b) ** 2, dtype=np.float64)))


def mae(volume: NDArray[np.float32], reference: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
    """Mean absolute difference in HU where the reference's tissue is denser than -500 HU."""
    body = known & (reference > BODY_HU)
    return float(np.abs(volume[body] - reference[body]).mean())


def mean_template(patients: Iterable[Patient], edge_mm: float, size: int = 128) -> NDArray[np.float32]:
    """Mean of the training volumes around their middles, each only where its CT has data; HU along (S, A, R)."""
    from x2ct.patients import CACHE_SPACING_MM

    total, count = np.zeros((size,) * 3), np.zeros((size,) * 3)
    grid = CanonicalCube(np.zeros(3), edge_mm, size).volume(np.empty((size,) * 3, np.float32))
    for patient in patients:
        spacing = (CACHE_SPACING_MM,) * 3
        hu = Volume.axis_aligned(np.where(patient.body, patient.hu, AIR_HU).astype(np.float32), spacing)
        extent = Volume.axis_aligned(np.ones(hu.voxels.shape, np.float32), spacing, quantity="mu_per_mm")
        known = resample(extent, grid.voxels.shape, grid.ijk_to_ras, antialias=False).voxels > 0.5
        along = known.any(axis=(1, 2))[:, None, None]  # beside the CT is air, above and below is unknown
        total += resample(hu, grid.voxels.shape, grid.ijk_to_ras).voxels * along
        count += along
    return np.where(count > 0, total / np.maximum(count, 1), AIR_HU).astype(np.float32)


def summary(scores: Iterable[Score]) -> Mapping[str, float]:
    """Means over patients, rooms and realisms."""
    rows = list(scores)
    names = ("psnr_3d", "psnr_3d_template", "psnr_3d_air", "mae_body", "mae_body_template")
    return {name: float(np.mean([getattr(row, name) for row in rows])) for name in names}
