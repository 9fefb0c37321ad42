"""An endless stream of simulated films of one patient who breathes, each with the true deformation.

Deforming and projecting a CT costs more than a step of training. As in ``film_stream.py`` a ring is kept, here of
motion states with a few exposures each; some states are replaced with every batch. An exposure gives several films,
which differ in where the CT is assumed to lie: the window follows that assumption. State and film number n always come
out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.canonical_view.camera_frame import nominal_rotation
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.canonical_view.window import transformed, warped
from XRayLib.ct import Volume, attenuation_from_hu
from XRayLib.errors import InputError
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry.box import box_corners
from XRayLib.motion import DisplacementField, MotionModel
from XRayLib.preparation.film_stream import (
    EXPOSED_FIELD,
    disturbed,
    drawn_film,
    exposed_side,
    pinhole,
    rotation_about,
)
from XRayLib.preparation.motion_settings import MotionPreparationSettings
from XRayLib.projector import Projector
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.simulate.materials import bone_share

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

FIRST_STATES = 16
WINDOW_MARGIN_MM = 35.0
"""The window holds the organ and this much on every side: as far as breathing moves it."""
SMALLEST_WINDOW_MM, LARGEST_WINDOW_MM = 80.0, 480.0
DRAWS = 20
"""Random states that fold are drawn again, this often."""


@dataclass(frozen=True)
class OrganWindow:
    """What the networks see: a window ``window_mm`` wide about the organ's middle where it is in the CT."""

    middle_ras_mm: Matrix
    corners_ras_mm: Matrix
    window_mm: float


@dataclass(frozen=True)
class MotionExposure:
    """A simulated film of more than the window, in the CT's RAS, of the patient in some motion state."""

    image: Array
    known: NDArray[np.bool_]
    geometry: XRayGeometry
    organ_ras_mm: Matrix
    """(V, 3): the organ's vertices where they are now."""
    field: DisplacementField | None


@dataclass(frozen=True)
class MotionFilm:
    """One film as the networks see it, and the truth.

    ``contrasts`` (2, side, side); ``geometry`` right-handed, in the CT's RAS as it is assumed to lie; a point p_ct of
    the planning CT is truly at ``true_to_assumed`` applied to ``field.moved(p_ct)``, in that frame, and the organ's
    vertices at ``organ_ras_mm`` (V, 3). ``field`` is None unless the stream was asked for fields.
    """

    contrasts: Array
    geometry: XRayGeometry
    organ_ras_mm: Matrix
    true_to_assumed: Matrix
    field: DisplacementField | None


def organ_window(points_ras_mm: Matrix) -> OrganWindow:
    """The window of an organ with these points (V, 3)."""
    low, high = np.min(points_ras_mm, axis=0), np.max(points_ras_mm, axis=0)
    width = float(np.linalg.norm(high - low)) / np.sqrt(2) + 2 * WINDOW_MARGIN_MM
    return OrganWindow(
        (low + high) / 2, box_corners(low, high), float(np.clip(width, SMALLEST_WINDOW_MM, LARGEST_WINDOW_MM))
    )


class MotionFilms:
    """Batches of films by number.

    Parameters
    ----------
    motion, window, settings :
        The patient, what the networks see, how to draw.
    field_grid : (shape_kji, ijk_to_ras), optional
        Keep every state's field on this grid. By default fields are not kept: on the CT's grid they are large.
    """

    def __init__(
        self,
        motion: MotionModel,
        window: OrganWindow,
        settings: MotionPreparationSettings,
        field_grid: tuple[tuple[int, int, int], Matrix] | None = None,
    ) -> None:
        self._motion, self._window, self._settings, self._field_grid = motion, window, settings, field_grid
        self._ring: dict[int, list[MotionExposure]] = {}

    def batch(self, number: int, pool: ThreadPoolExecutor | None = None) -> list[MotionFilm]:
        """The films of batch ``number``; the same whenever it is asked for. ``pool`` shares the work."""
        settings = self._settings
        spread: Callable[..., Iterable] = pool.map if pool else map
        end = min(FIRST_STATES, settings.exposures) + number * settings.exposures_per_batch
        wanted = range(max(0, end - settings.exposures), end)
        for n in [n for n in self._ring if n not in wanted]:
            del self._ring[n]
        missing = [n for n in wanted if n not in self._ring]
        self._ring.update(zip(missing, spread(self.exposures, missing), strict=True))
        films = range(number * settings.batch, (number + 1) * settings.batch)
        return list(spread(lambda n: self._film(n, wanted), films))

    def exposures(self, number: int) -> list[MotionExposure]:
        """Motion state ``number``, seen from about a few of the nominal views."""
        settings = self._settings
        rng = np.random.default_rng([settings.seed, 1, number])
        views = [self._view(rng) for _ in range(settings.views_per_state)]
        field, organ = random_motion(self._motion, rng)
        soft, bone = moved_tissue(self._motion, field, views, settings.device)
        kept = field.on_grid(*self._field_grid) if self._field_grid else None
        return [
            MotionExposure(*drawn_film(soft[n], bone[n], view, rng), view, organ, kept) for n, view in enumerate(views)
        ]

    def _film(self, number: int, ring: range) -> MotionFilm:
        rng = np.random.default_rng([self._settings.seed, 3, number])
        exposures = self._ring[ring[int(rng.integers(len(ring)))]]
        exposure = exposures[int(rng.integers(len(exposures)))]
        return film_of_exposure(exposure, self._window, self._settings, rng)

    def _view(self, rng: np.random.Generator) -> XRayGeometry:
        settings, window = self._settings, self._window
        primary, secondary = settings.views_deg[rng.integers(len(settings.views_deg))]
        depth_mm = float(rng.uniform(*settings.source_to_patient_mm))
        limit = np.deg2rad(settings.rotation_range_deg)
        tilt, turn = rng.uniform(-0.5 * limit, 0.5 * limit), rng.uniform(-limit, limit)
        rotation = rotation_about((tilt, 0, 0)) @ rotation_about((0, turn, 0)) @ nominal_rotation(primary, secondary)
        translation = np.array([0.0, 0.0, depth_mm]) - rotation @ window.middle_ras_mm
        side = exposed_side(settings.input_px)
        return pinhole(rotation, translation, side, EXPOSED_FIELD * window.window_mm, depth_mm)


def random_motion(motion: MotionModel, rng: np.random.Generator) -> tuple[DisplacementField, Matrix]:
    """The field of a random state and the organ's vertices in it (V, 3); InputError when all of a few fold."""
    for _ in range(DRAWS):
        field = motion.field(motion.random_parameters(rng))
        try:
            return field, field.moved(motion.organ.points)
        except InputError:
            continue
    raise InputError("The motion model of this CT only gives states that fold: check the organ and the CT.")


def moved_tissue(
    motion: MotionModel, field: DisplacementField, geometries: list[XRayGeometry], device: str
) -> tuple[Array, Array]:
    """Line integrals (views, rows, columns) of water-like and bone-like tissue of the patient as deformed."""
    now = motion.moved_ct(field)
    mu = attenuation_from_hu(now.voxels)
    total = Projector(Volume(mu, now.ijk_to_ras, "mu_per_mm"), device=device).project(geometries)
    bony = mu * bone_share(now.voxels)
    bone = Projector(Volume(bony, now.ijk_to_ras, "mu_per_mm"), device=device).project(geometries)
    return np.maximum(total - bone, 0), bone


def film_of_exposure(
    exposure: MotionExposure, window: OrganWindow, settings: MotionPreparationSettings, rng: np.random.Generator
) -> MotionFilm:
    """The exposure as the networks see it when the CT is assumed a little off its true pose."""
    true_to_assumed = pose_error(exposure.geometry, window.middle_ras_mm, settings, rng)
    assumed = exposure.geometry.moved(np.linalg.inv(true_to_assumed))
    side = settings.input_px
    depth_mm = float(assumed.depth_mm(window.middle_ras_mm)[0])
    scale = assumed.source_to_detector_mm / assumed.pixel_spacing_mm[0] / depth_mm  # pixels of the exposure per mm
    scale = side / (window.window_mm * scale)
    to_window = np.diag([scale, scale, 1.0])
    to_window[:2, 2] = (side - 1) / 2 - scale * assumed.project(window.middle_ras_mm)[0]
    image, known = warped(exposure.image, exposure.known, to_window, side)
    image, known = disturbed(image, known, rng)
    geometry = transformed(assumed, to_window, side, window.window_mm, depth_mm)
    organ = exposure.organ_ras_mm @ true_to_assumed[:3, :3].T + true_to_assumed[:3, 3]
    return MotionFilm(two_contrasts(image, known), geometry, organ, true_to_assumed, exposure.field)


def pose_error(
    geometry: XRayGeometry, pivot_ras_mm: Matrix, settings: MotionPreparationSettings, rng: np.random.Generator
) -> Matrix:
    """4x4: a small random motion about the organ, as of a registration that is nearly right."""
    angle = np.deg2rad(settings.pose_rotation_deg)
    reach = np.array([settings.shift_range_mm, settings.shift_range_mm, settings.depth_range_mm])
    axes = np.stack([geometry.column_direction, geometry.row_direction, geometry.detector_normal])
    return motion_from_twist(
        [*(rng.uniform(-angle, angle, 3) @ axes), *(rng.uniform(-1, 1, 3) * reach @ axes)], pivot_ras_mm
    )
