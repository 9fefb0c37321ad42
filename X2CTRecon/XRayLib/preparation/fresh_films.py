"""Films to measure a prepared network on: motion states that it was not trained on, the pose a little wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.case import SurfaceMesh
from XRayLib.geometry import XRayGeometry
from XRayLib.motion import MotionModel
from XRayLib.preparation.motion_films import moved_tissue, organ_window, pose_error, random_motion
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.radiograph import Radiograph
from XRayLib.simulate import draw_realism, film_of
from XRayLib.simulate.realism import LEVELS

FILM_PX = 256
FIELD = 1.3
"""Width of the film at the patient, relative to the window's."""
SOURCE_TO_PATIENT_MM, SOURCE_TO_DETECTOR_MM = 700.0, 1020.0


@dataclass(frozen=True, eq=False)
class FreshFilm:
    """A film, geometry in CT RAS, of a state of which all is known."""

    level: str
    """Of realism."""
    radiograph: Radiograph
    organ: SurfaceMesh
    """Where it then is."""
    pose_error: NDArray[np.float64]
    """(4, 4): the CT truly lies at the identity; it is assumed at the inverse of this."""


def fresh_film(motion: MotionModel, settings: MotionPreparationSettings, first_seed: int, number: int) -> FreshFilm:
    """Film ``number``: a nominal view of the settings, realism none, mild and hard in turn.

    ``first_seed`` keeps its draws apart from those of the training and of other methods.
    """
    rng = np.random.default_rng([first_seed, settings.seed, number])
    angles_deg = settings.views_deg[number % len(settings.views_deg)]
    level = LEVELS[(number // len(settings.views_deg)) % len(LEVELS)]
    radiograph, organ = known_film(motion, angles_deg, level, settings.device, rng)
    middle_ras_mm = organ_window(motion.organ.points).middle_ras_mm
    return FreshFilm(level, radiograph, organ, pose_error(radiograph.geometry, middle_ras_mm, settings, rng))


def known_film(
    motion: MotionModel, angles_deg: tuple[float, float], level: str, device: str, rng: np.random.Generator
) -> tuple[Radiograph, SurfaceMesh]:
    """A film of a random state, geometry in CT RAS, and the organ where it then is."""
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
    organ = SurfaceMesh(organ_ras_mm, motion.organ.triangles)
    if level == "none":
        return Radiograph(soft + bone, view, calibrated=True), organ
    return film_of(soft, bone, view, draw_realism(level, rng), rng), organ
