"""The films of the proof: the patient's CT in that breath, marched by a projector of its own and exposed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from breath_cases import BreathCase
from elastic_breathing import ElasticBody
from numpy.typing import NDArray
from planned_organs import ct_folder, planned_organ
from XRayLib.case import SurfaceMesh
from XRayLib.ct import Volume, load_ct, remove_table, resample_isotropic
from XRayLib.motion import DisplacementField, MotionModel
from XRayLib.radiograph import Radiograph, radiograph_from_array
from XRayLib.simulate import film_of, realism_for
from XRayLib.simulate.radiograph_simulation import cropped_to_body

sys.path.append(str(Path(__file__).resolve().parents[1] / "registration"))
from ray_marching import march, tissue_volumes

FILM_CT_MM = 2.0
MEAN_STATES = 64
"""Random states of the training's motion model of which the mean shape is the mean."""


@dataclass(frozen=True, eq=False)
class MovingPatient:
    """A CT, the organ where it is in it, the body that breathes, and the mean shape of the trained motion."""

    ct: Volume
    organ: SurfaceMesh
    body: ElasticBody
    mean_shape: SurfaceMesh
    bare_ct: Volume
    """What the X-ray room sees: without the scanner's table, on a finer grid."""

    @property
    def middle_ras_mm(self) -> NDArray[np.float64]:
        """Of the organ's height and the body's box."""
        middle = self.bare_ct.center_ras_mm.copy()
        middle[2] = np.asarray(self.organ.points)[:, 2].mean()
        return middle


@dataclass(frozen=True, eq=False)
class BreathExposure:
    """The film, and the truth, in CT RAS."""

    radiograph: Radiograph
    field: DisplacementField
    organ: SurfaceMesh


@lru_cache(maxsize=2)
def moving_patient(name: str, organ: str = "liver") -> MovingPatient:
    """A patient of the data folder; whichever ``organ`` is judged, it is the liver that the diaphragm moves."""
    ct = load_ct(ct_folder() / f"{name}.nii.gz")
    liver = planned_organ(name, ct, "liver")
    return moving_patient_of(ct, liver if organ == "liver" else planned_organ(name, ct, organ), liver)


def moving_patient_of(ct: Volume, organ: SurfaceMesh, liver: SurfaceMesh) -> MovingPatient:
    """Prepare a CT in HU."""
    bare = remove_table(ct)
    model, rng = MotionModel(bare, organ), np.random.default_rng(0)
    mean = np.mean([model.random_state(rng).organ.points for _ in range(MEAN_STATES)], axis=0)
    fine = cropped_to_body(resample_isotropic(bare, FILM_CT_MM))
    return MovingPatient(ct, organ, ElasticBody(bare, liver), SurfaceMesh(mean, organ.triangles), fine)


@lru_cache(maxsize=16)
def expose_breath(case: BreathCase, patient: MovingPatient) -> BreathExposure:
    """The film as it is after loading, and what only the judge knows; kept for the next method."""
    field = patient.body.field(case.breath())
    organ = SurfaceMesh(field.moved(patient.organ.points), patient.organ.triangles)
    grid = patient.bare_ct
    now = field.on_grid(grid.voxels.shape, grid.ijk_to_ras).warp(grid, extend=True, keep_mass=True)
    view = case.view(patient.middle_ras_mm)
    soft, bone = march(tissue_volumes(now), now.ijk_to_ras, view)
    if case.realism == "none":
        film, kind = np.maximum(soft + bone, 0).astype(np.float32), "line_integral"
    else:
        realism = realism_for(case.realism, int(case.rng(1).integers(2**31)))
        film, kind = film_of(soft, bone, view, realism, case.rng(2)).line_integral, "display_bone_bright"
    picture = np.ascontiguousarray(film)
    return BreathExposure(
        radiograph_from_array(picture, view, intensity=kind, source=f"proof, {case.realism}"), field, organ
    )
