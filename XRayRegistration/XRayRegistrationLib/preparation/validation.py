"""How good a prepared network is: its errors on films that it was not trained on, drawn about the nominal views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from XRayLib.ct import Volume
from XRayLib.errors import RefusedError
from XRayLib.geometry import XRayGeometry
from XRayLib.metrics.pose import projection_errors_mm, rotation_error_deg, target_grid, target_registration_errors_mm
from XRayLib.preparation.anatomy import Anatomy, anatomy_of
from XRayLib.preparation.settings import PreparationSettings
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import draw_realism, film_of
from XRayLib.simulate.realism import LEVELS

from XRayRegistrationLib.learned.predict import predict_by_pose_regression, predict_by_scene_coordinates
from XRayRegistrationLib.learned.prepared_model import PosePreparedModel

Matrix = NDArray[np.float64]

ROTATION_DEG, SHIFT_MM, DEPTH_MM = 30.0, 50.0, 100.0
"""Each way, about each axis, across and along the beam: what a search without training has to cope with, too."""
FILM_PX = 256
FIELD = 1.15
"""Width of the film at the patient, relative to the window's."""
SOURCE_TO_PATIENT_MM, SOURCE_TO_DETECTOR_MM = 700.0, 1020.0
ERRORS = ("rotation_deg", "mtre_mm", "projected_mm", "across_mm", "along_mm")
FIRST_SEED = 10_000_000
"""No training film is drawn from these."""


@dataclass(frozen=True)
class KnownFilm:
    """A simulated film in its nominal geometry, the CT's true pose, and the level of realism."""

    radiograph: Radiograph
    ct_to_world: Matrix
    realism: str


def validate(
    ct: Volume,
    what: str,
    bundle: Path,
    settings: PreparationSettings,
    progress: Callable[[float], None] = lambda _share: None,
) -> dict[str, Any]:
    """Errors of the start that a bundle predicts from one film, before any refinement.

    Returns
    -------
    dict
        ``films``, ``refused``; medians of ``rotation_deg``, ``mtre_mm`` (targets all over the body), ``projected_mm``
        (on the detector), of the undisturbed pose's mTRE (``nominal_mtre_mm``); 95th percentile ``mtre_mm_p95``; 90th
        percentiles of the rotation and of the body's middle across and along the beam (``rotation_deg_p90``,
        ``across_mm_p90``, ``along_mm_p90``); and ``mtre_mm_by_realism``. A refused film counts as infinitely wrong;
        None stands for infinity.
    """
    anatomy = anatomy_of(ct, FILM_PX, settings.device)
    model = PosePreparedModel.opened(bundle, settings.device)
    targets = target_grid(ct)
    rows = []
    for number in range(settings.validation_films):
        progress(number / settings.validation_films)
        film = known_film(anatomy, settings, number)
        rows.append({"realism": film.realism, **errors_of(predicted_pose(model, what, film), film, targets)})
    return summary(rows)


def known_film(anatomy: Anatomy, settings: PreparationSettings, number: int) -> KnownFilm:
    """Film ``number``: a nominal view of the settings, the patient displaced, realism none, mild and hard in turn."""
    rng = np.random.default_rng([FIRST_SEED, settings.seed, number])
    primary, secondary = settings.views_deg[number % len(settings.views_deg)]
    spacing = FIELD * anatomy.window_mm / FILM_PX * SOURCE_TO_DETECTOR_MM / SOURCE_TO_PATIENT_MM
    view = XRayGeometry.from_c_arm(
        primary_angle_deg=primary,
        secondary_angle_deg=secondary,
        source_to_detector_mm=SOURCE_TO_DETECTOR_MM,
        source_to_isocenter_mm=SOURCE_TO_PATIENT_MM,
        size_px=(FILM_PX, FILM_PX),
        pixel_spacing_mm=(spacing, spacing),
        isocenter_ras_mm=anatomy.middle_ras_mm,
        frame="RAS of the CT",
    )
    ct_to_world = displaced(view, anatomy.middle_ras_mm, settings, rng)
    level = LEVELS[(number // len(settings.views_deg)) % len(LEVELS)]
    soft, bone = (x[0] for x in anatomy.tissue([view.moved(ct_to_world)]))
    if level == "none":
        film = Radiograph(soft + bone, view, calibrated=True)
    else:
        film = film_of(soft, bone, view, draw_realism(level, rng), rng)
    return KnownFilm(film, ct_to_world, level)


def displaced(view: XRayGeometry, pivot: Matrix, settings: PreparationSettings, rng: np.random.Generator) -> Matrix:
    """A random motion of the patient within the ranges above (and within those prepared), 4x4 in the world."""
    angle = np.deg2rad(min(ROTATION_DEG, settings.rotation_range_deg))
    across, along = min(SHIFT_MM, settings.shift_range_mm), min(DEPTH_MM, settings.depth_range_mm)
    axes = np.stack([view.column_direction, view.row_direction, view.detector_normal])
    shift = rng.uniform(-1, 1, 3) * (across, across, along) @ axes
    turns = [
        motion_from_twist([*(a * axis), 0, 0, 0], pivot)
        for a, axis in zip(rng.uniform(-angle, angle, 3), axes, strict=True)
    ]
    moved = motion_from_twist([0, 0, 0, *shift], pivot)
    return moved @ turns[2] @ turns[1] @ turns[0]


def predicted_pose(model: PosePreparedModel, what: str, film: KnownFilm) -> Matrix | None:
    """``ct_to_world`` from one film, its nominal pose being the identity; None when it is refused."""
    try:
        if what == "scene-coordinates":
            return predict_by_scene_coordinates(model, [film.radiograph]).starts[0]
        return predict_by_pose_regression(model, [film.radiograph], np.eye(4)).starts[0]
    except RefusedError:
        return None


def errors_of(found: Matrix | None, film: KnownFilm, targets: Matrix) -> dict[str, float]:
    """Of one film; infinite when it was refused."""
    true, view = film.ct_to_world, film.radiograph.geometry
    nominal = float(target_registration_errors_mm(true, np.eye(4), targets).mean())
    if found is None:
        return dict.fromkeys(ERRORS, np.inf) | {"nominal_mtre_mm": nominal}
    middle = targets.mean(axis=0)
    offset = (found - true)[:3, :3] @ middle + (found - true)[:3, 3]
    along = float(offset @ view.detector_normal)
    return {
        "across_mm": float(np.sqrt(max(offset @ offset - along**2, 0.0))),
        "along_mm": abs(along),
        "rotation_deg": rotation_error_deg(true, found),
        "mtre_mm": float(target_registration_errors_mm(true, found, targets).mean()),
        "projected_mm": float(projection_errors_mm(true, found, targets, view).mean()),
        "nominal_mtre_mm": nominal,
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """JSON values; a percentile that is infinite becomes None."""
    finite = [row for row in rows if np.isfinite(row["mtre_mm"])]

    def at(name: str, percentile: float, some: Sequence[dict[str, Any]]) -> float | None:
        values = np.sort([row[name] for row in some])
        value = values[min(int(np.ceil(percentile / 100 * len(values))), len(values)) - 1]
        return round(float(value), 3) if np.isfinite(value) else None

    by_realism = {level: [row for row in rows if row["realism"] == level] for level in LEVELS}
    return {
        "films": len(rows),
        "refused": len(rows) - len(finite),
        **{name: at(name, 50, rows) for name in ("rotation_deg", "mtre_mm", "projected_mm", "nominal_mtre_mm")},
        "mtre_mm_p95": at("mtre_mm", 95, rows),
        **{f"{name}_p90": at(name, 90, rows) for name in ("rotation_deg", "across_mm", "along_mm")},
        "mtre_mm_by_realism": {level: at("mtre_mm", 50, some) for level, some in by_realism.items() if some},
    }
