"""How good a prepared displacement network is: on motion states and films that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import MotionModel
from XRayLib.preparation.motion_films import moved_tissue, organ_window, pose_error, random_motion
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import draw_realism, film_of
from XRayLib.simulate.realism import LEVELS

from XRayRegistrationLib.displacement.network_input import projector_of
from XRayRegistrationLib.displacement.prediction import PreparedDisplacementModel

Matrix = NDArray[np.float64]

FIRST_SEED = 20_000_000
"""No training film is drawn from these."""
FILM_PX = 256
FIELD = 1.3
"""Width of the film at the patient, relative to the window's."""
SOURCE_TO_PATIENT_MM, SOURCE_TO_DETECTOR_MM = 700.0, 1020.0


def validate(
    motion: MotionModel,
    bundle: Path,
    settings: MotionPreparationSettings,
    progress: Callable[[float], None] = lambda _share: None,
) -> dict[str, Any]:
    """Errors of what a bundle says from one film each, realism none, mild and hard in turn, the pose a little wrong.

    Returns
    -------
    dict
        ``films``; medians over them of the organ's mean target registration error (``mtre_mm``) and of that without
        deformation (``nominal_mtre_mm``); ``mtre_mm_p95``; ``folding_fraction``, the largest.
    """
    model = PreparedDisplacementModel.opened(bundle, settings.device)
    ct = projector_of(motion.ct, settings.device)
    rows = []
    for number in range(settings.validation_films):
        progress(number / settings.validation_films)
        rng = np.random.default_rng([FIRST_SEED, settings.seed, number])
        angles = settings.views_deg[number % len(settings.views_deg)]
        level = LEVELS[(number // len(settings.views_deg)) % len(LEVELS)]
        film, now = known_film(motion, angles, level, settings.device, rng)
        error = pose_error(film.geometry, model.middle_ras_mm, settings, rng)
        # The CT truly lies at the identity; it is assumed at the inverse of the error.
        field = model.field([film], np.linalg.inv(error), ct)
        assumed = now @ error[:3, :3].T + error[:3, 3]
        in_ct = np.asarray(motion.organ.points)
        rows.append(
            (
                np.linalg.norm(field.in_ct(assumed) - in_ct, axis=1).mean(),
                np.linalg.norm(assumed - in_ct, axis=1).mean(),
                field.folding_fraction(),
            )
        )
    found, identity, folds = np.array(rows).T
    return {
        "films": len(rows),
        "mtre_mm": round(float(np.median(found)), 3),
        "nominal_mtre_mm": round(float(np.median(identity)), 3),
        "mtre_mm_p95": round(float(np.percentile(found, 95)), 3),
        "folding_fraction": round(float(folds.max()), 5),
    }


def known_film(
    motion: MotionModel, angles_deg: tuple[float, float], level: str, device: str, rng: np.random.Generator
) -> tuple[Radiograph, Matrix]:
    """A film of a random state, geometry in CT RAS, and the organ's points where they then are."""
    window = organ_window(motion.organ.points)
    spacing = FIELD * window.window_mm / FILM_PX * SOURCE_TO_DETECTOR_MM / SOURCE_TO_PATIENT_MM
    view = XRayGeometry.from_c_arm(
        primary_angle_deg=angles_deg[0],
        secondary_angle_deg=angles_deg[1],
        source_to_detector_mm=SOURCE_TO_DETECTOR_MM,
        source_to_isocenter_mm=SOURCE_TO_PATIENT_MM,
        size_px=(FILM_PX, FILM_PX),
        pixel_spacing_mm=(spacing, spacing),
        isocenter_ras_mm=window.middle_ras_mm,
        frame="RAS of the CT",
    )
    field, organ_ras_mm = random_motion(motion, rng)
    soft, bone = (x[0] for x in moved_tissue(motion, field, [view], device))
    if level == "none":
        return Radiograph(soft + bone, view, calibrated=True), organ_ras_mm
    return film_of(soft, bone, view, draw_realism(level, rng), rng), organ_ras_mm
