"""How good a prepared displacement network is: on motion states and films that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.motion import MotionModel
from XRayLib.preparation.fresh_films import fresh_film
from XRayLib.preparation.motion_settings import MotionPreparationSettings

from XRayRegistrationLib.displacement.network_input import projector_of
from XRayRegistrationLib.displacement.prediction import PreparedDisplacementModel

Matrix = NDArray[np.float64]

FIRST_SEED = 20_000_000
"""No training film is drawn from these."""


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
        film = fresh_film(motion, settings, FIRST_SEED, number)
        error = film.pose_error
        field = model.field([film.radiograph], np.linalg.inv(error), ct)
        assumed = film.organ.points @ error[:3, :3].T + error[:3, 3]
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
