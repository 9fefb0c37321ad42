"""How breathing and other slow changes deform what is between a patient's bones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from XRayLib.case import Case, SurfaceMesh
from XRayLib.ct import Volume, resample_isotropic
from XRayLib.errors import InputError
from XRayLib.metrics.tissues import body_mask, lung_mask
from XRayLib.preparation.patient_folder import ct_hash, mesh_hash

if TYPE_CHECKING:
    from XRayLib.motion import SteeredMotion

MODEL_MM = 6.0
"""Voxel size of the motion model: that of the field which is sought."""

NO_ORGAN = (
    "No breathing organ is known and the CT shows no lungs: only bones were moved. Give the liver's surface or labels."
)

LIVER = 5
VERTICES = 1000
ORGAN_GRID_MM = 5.0
REACH_MM = 80.0
OPENING_VOXELS = 3
SOFT_TISSUE_HU = 200.0
SMALLEST_LUNGS_ML = 300.0

_last: tuple[tuple[str, str], SteeredMotion] | None = None


def soft_tissue_motion(case: Case, ct: Volume) -> tuple[SteeredMotion | None, tuple[str, ...]]:
    """How the patient breathes, and what the user should know; None where nothing is known to breathe.

    The organ is the case's mesh, else the liver of its labels, else what lies beneath the lungs. The last motion is
    kept: frames of a run ask for the same again. ``ct`` is the case's, at the working resolution.
    """
    global _last
    from XRayLib.motion import MotionModel, SteeredMotion

    organ = case.mesh or breathing_organ(ct, case.labels)
    if organ is None:
        return None, (NO_ORGAN,)
    key = (ct_hash(ct), mesh_hash(organ))
    if _last is None or _last[0] != key:
        try:
            _last = (key, SteeredMotion(MotionModel(ct, organ, spacing_mm=MODEL_MM)))
        except InputError as error:
            return None, (f"Soft tissue was not moved. {error}",)
    return _last[1], ()


def breathing_organ(ct: Volume, labels: Volume | None = None) -> SurfaceMesh | None:
    """The liver by its label, else what lies beneath the lungs, as a closed surface; None for a CT without lungs."""
    from XRayLib.mesh.organ_template import organ_template

    if labels is not None and (labels.voxels == LIVER).any():
        return organ_template(labels, LIVER, vertices=VERTICES)
    beneath = beneath_the_lungs(ct)
    return None if beneath is None else organ_template(beneath, vertices=VERTICES)


def beneath_the_lungs(ct: Volume) -> Volume | None:
    """Label 1 where soft tissue lies up to REACH_MM below lung; None for a CT without lungs."""
    from scipy.ndimage import binary_opening

    coarse = resample_isotropic(ct, ORGAN_GRID_MM)
    lung = lung_mask(coarse.voxels, body_mask(coarse.voxels))
    if lung.sum() * ORGAN_GRID_MM**3 * 1e-3 < SMALLEST_LUNGS_ML:
        return None
    base = np.where(lung.any(axis=0), lung.argmax(axis=0), 0)
    height = np.arange(len(lung))[:, None, None]
    near = (height < base) & (height >= base - round(REACH_MM / ORGAN_GRID_MM))
    # Opened, so that the thin rim beside the lungs does not count.
    tissue = binary_opening(near & (np.abs(coarse.voxels) < SOFT_TISSUE_HU), iterations=OPENING_VOXELS)
    return Volume(tissue.astype(np.float32), coarse.ijk_to_ras, "label") if tissue.any() else None
