"""The deformable average patient of a training set, whole and without each of its patients, and how far it is off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from X2CTReconLib.canonical import FRONTAL, LATERAL
from X2CTReconLib.population_atlas import StoredAtlas, consistent_atlas
from XRayLib.ct import Volume
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import simulate_radiograph

from shared.evaluation import ROOMS, mean_template
from shared.groupwise import average_patient
from shared.patients import AIR_HU, CACHE_SPACING_MM, Patient, chests_of

Array = NDArray[np.float32]

DEVIATION_SIDE, DEVIATION_SIGMA_VOXELS = 64, 1.5


def atlas_of(patients: Sequence[Patient], edge_mm: float, side: int) -> Array:
    """HU (side, side, side) of the average chest; of all patients when none is called a chest."""
    chests = chests_of(patients)
    mean = mean_template(chests, edge_mm, side).voxels
    return average_patient([alone(p, mean, edge_mm) for p in chests], edge_mm)


def alone(patient: Patient, beyond_hu: Array, edge_mm: float) -> Array:
    """HU (n, n, n) of one patient, above and below the CT going on as ``beyond_hu`` (n, n, n) does."""
    side = beyond_hu.shape[0]
    return np.where(covered(patient, edge_mm, side) > 0, mean_template([patient], edge_mm, side).voxels, beyond_hu)


def covered(patient: Patient, edge_mm: float, side: int) -> Array:
    """(side, side, side): 1 at heights that the CT shows, 0 above and below."""
    away_mm = np.abs((np.arange(side) + 0.5) / side - 0.5) * edge_mm
    shown = (away_mm <= patient.hu.shape[0] * CACHE_SPACING_MM / 2).astype(np.float32)
    return np.broadcast_to(shown[:, None, None], (side,) * 3).copy()


def atlases_without_each(patients: Sequence[Patient], edge_mm: float, side: int) -> dict[str, Array]:
    """By name of the patient, the atlas of all others: training must not meet a patient who is part of its start."""
    whole = atlas_of(patients, edge_mm, side)
    chests = chests_of(patients)
    if len(chests) == 1:
        return {p.name: whole for p in patients}
    without = {p.name: atlas_of([q for q in chests if q is not p], edge_mm, side) for p in chests}
    return {p.name: without.get(p.name, whole) for p in patients}


def stored_atlas_of(patients: Sequence[Patient], edge_mm: float, side: int) -> StoredAtlas:
    """What a bundle holds: the atlas of all, and the deviation of patients from atlases of the others."""
    without = atlases_without_each(patients, edge_mm, DEVIATION_SIDE)
    return StoredAtlas(atlas_of(patients, edge_mm, side), deviation_of(patients, without, edge_mm), edge_mm)


def deviation_of(patients: Sequence[Patient], atlases_hu: Mapping[str, Array], edge_mm: float) -> Array:
    """HU (m, m, m) in the atlas' shape: root mean square over the chests of what a reconstruction from their frontal
    and lateral film by the atlas (m, m, m) of the others is off, smoothed."""
    squares = weights = np.zeros((DEVIATION_SIDE,) * 3, np.float32)
    for patient in chests_of(patients):
        volume = Volume.axis_aligned(atlases_hu[patient.name], (edge_mm / DEVIATION_SIDE,) * 3)
        truth = mean_template([patient], edge_mm, DEVIATION_SIDE).voxels
        films = [_film(patient, role) for role in (FRONTAL, LATERAL)]
        fitted, agreement = consistent_atlas(volume, films, "cpu")
        known = covered(patient, edge_mm, DEVIATION_SIDE)
        squares = squares + fitted.carried_back(known * (np.maximum(agreement.volume.voxels, AIR_HU) - truth) ** 2)
        weights = weights + fitted.carried_back(known)
    blurred = [ndimage.gaussian_filter(x, DEVIATION_SIGMA_VOXELS, mode="nearest") for x in (squares, weights)]
    return np.sqrt(blurred[0] / np.maximum(blurred[1], 0.5))


def _film(patient: Patient, role: str) -> Radiograph:
    """Of the CT around its middle at a chest stand."""
    hu = np.where(patient.body, patient.hu, AIR_HU).astype(np.float32)
    ct = Volume.axis_aligned(hu, (CACHE_SPACING_MM,) * 3)
    return simulate_radiograph(ct, ROOMS[0].geometry(role, ct.center_ras_mm), realism="none", seed=1)
