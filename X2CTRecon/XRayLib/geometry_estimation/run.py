"""A volume method run on films whose geometry was first estimated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from XRayLib.case import Case, Options, Result
from XRayLib.ct import Volume, attenuation_from_hu, resample
from XRayLib.errors import InputError
from XRayLib.geometry import isocenter_of
from XRayLib.geometry_estimation.estimation import EstimatedGeometry, estimated_geometry
from XRayLib.geometry_estimation.mean_patient import mean_chest
from XRayLib.geometry_estimation.patient_prior import MEAN_PATIENT, OWN_CT
from XRayLib.registry import Method, Progress, part_of

OPTION = "estimate_geometry"
"""Key of ``Options.extra``: true or false (default)."""

SHARE_OF_PROGRESS = 0.4
CHEST_WORDS = ("chest", "thorax")
CT_SPACING_MM = 5.0

Run = Callable[[Method, Case, Options, Progress], Result]


def run_with_estimated_geometry(run: Run, method: Method, case: Case, options: Options, progress: Progress) -> Result:
    """``run(method, case, options, progress)``, after the estimation of what was assumed of the films' geometry where
    the option asks for it.

    The expected patient is the case's CT where there is one, else the mean chest. The result's views have the
    estimated geometry; its warnings and ``provenance["geometry_estimation"]`` say what was estimated, and how sure.

    Raises
    ------
    InputError
        When the option is neither true nor false, the method does not return a volume, or nothing is known of the
        patient: a body part that is not the chest, and no CT.
    """
    asked, options = options.flag(OPTION), options.without(OPTION)
    if not asked:
        return run(method, case, options, progress)
    if method.returns != "volume":
        raise InputError(f"{method.title} takes no estimation of the geometry: switch it off.")
    stage = "Estimating the geometry of the films"
    progress(0.0, stage)
    found, turned = _estimated(method, case, options, lambda f: progress(SHARE_OF_PROGRESS * f, stage))
    known = replace(case, radiographs=found.radiographs, middle_ras_mm=None if case.ct else found.middle_ras_mm)
    result = run(method, known, options, part_of(progress, SHARE_OF_PROGRESS, 1.0))
    return replace(
        result,
        warnings=(*turned, *found.warnings, *result.warnings),
        provenance={**result.provenance, **found.provenance},
    )


def _estimated(
    method: Method, case: Case, options: Options, progress: Callable[[float], None]
) -> tuple[EstimatedGeometry, tuple[str, ...]]:
    from XRayLib.radiograph.lateral_facing import facing_corrected

    radiographs, turned = facing_corrected(case.radiographs)
    if case.ct is not None:
        pose = np.eye(4) if case.initial_ct_to_world is None else np.asarray(case.initial_ct_to_world, float)
        expected, variability = _upright(case.ct, pose), OWN_CT
    elif method.needs.bundle_task or any(word in case.body_part.lower() for word in CHEST_WORDS):
        expected = mean_chest(isocenter_of([radiograph.geometry for radiograph in radiographs]))
        variability = MEAN_PATIENT
    else:
        raise InputError("Estimating the geometry needs to know the patient: give a CT, or chest as the body part.")
    return estimated_geometry(radiographs, expected, variability, device=options.device, progress=progress), turned


def _upright(ct: Volume, ct_to_world: np.ndarray) -> Volume:
    """Attenuation of the placed CT on coarse voxels along R, A, S."""
    placed = replace(ct, ijk_to_ras=ct_to_world @ ct.ijk_to_ras)
    extent = np.abs(placed.ijk_to_ras[:3, :3]) @ np.array(ct.voxels.shape[::-1])
    counts = np.maximum(2, np.rint(extent / CT_SPACING_MM)).astype(int)
    empty = np.full(counts[::-1], -1000, np.float32)
    grid = Volume.axis_aligned(empty, (CT_SPACING_MM,) * 3, placed.center_ras_mm)
    coarse = resample(placed, grid.voxels.shape, grid.ijk_to_ras)
    return Volume(attenuation_from_hu(coarse.voxels), grid.ijk_to_ras, "mu_per_mm")
