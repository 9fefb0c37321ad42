"""An endless stream of simulated films of one patient, each with its true geometry.

Projecting a CT and exposing a film cost more than a step of training. So a ring of exposures is kept, a few are
replaced with every batch, and each gives several films of other shift, scale, roll and field, which are exact changes
of the camera: of its principal point, its focal length and its rotation about the axis. Exposure and film number n
always come out the same, so that a resumed run sees the films an uninterrupted one would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.canonical_view.camera_frame import nominal_rotation, rigid
from XRayLib.canonical_view.contrast import two_contrasts
from XRayLib.canonical_view.window import transformed, warped
from XRayLib.geometry import XRayGeometry
from XRayLib.preparation.anatomy import Anatomy
from XRayLib.preparation.settings import PreparationSettings
from XRayLib.projector.rigid import motion_from_twist
from XRayLib.simulate import draw_realism, film_of
from XRayLib.simulate.realism import LEVELS

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

EXPOSED_FIELD = 1.35
"""Width of an exposure relative to the window's."""
DETECTOR_DISTANCE = 1.45
"""Source to detector relative to source to patient."""
LEVEL_SHARES = (0.2, 0.3, 0.5)
"""Of LEVELS: none, mild, hard."""
PROJECTED_AT_ONCE = 8
FIRST_EXPOSURES = 64
MASK_KNOWN, FIELD_LIMITED, COVERED = 0.5, 0.5, 0.2
"""Shares of films whose mask is given, whose field is smaller than the window, that something lies over."""


@dataclass(frozen=True)
class Exposure:
    """A simulated film of more than the window, in the CT's RAS, and the pixels that are said to show the patient.

    ``nominal_rotation`` is the camera's in the view that was meant, before it was disturbed.
    """

    image: Array
    known: NDArray[np.bool_]
    geometry: XRayGeometry
    middle_depth_mm: float
    nominal_rotation: Matrix


@dataclass(frozen=True)
class TrainingFilm:
    """One film as the networks see it, and the truth.

    ``contrasts`` (2, side, side); ``geometry`` right-handed, in the CT's RAS; ``assumed_depth_mm`` is what a user's
    film would say of the patient's depth; ``nominal_rotation`` what it would say of the patient's orientation.
    """

    contrasts: Array
    geometry: XRayGeometry
    assumed_depth_mm: float
    nominal_rotation: Matrix


class FilmStream:
    """Batches of films by number."""

    def __init__(self, anatomy: Anatomy, settings: PreparationSettings) -> None:
        self._anatomy, self._settings = anatomy, settings
        self._ring: dict[int, Exposure] = {}

    def batch(self, number: int, pool: ThreadPoolExecutor | None = None) -> list[TrainingFilm]:
        """The films of batch ``number``; the same whenever it is asked for. ``pool`` shares the work."""
        settings = self._settings
        spread = pool.map if pool else map
        ring = self._ring_at(number)
        self._expose(ring, spread)
        numbers = range(number * settings.batch, (number + 1) * settings.batch)
        return list(spread(lambda n: self._film(n, ring), numbers))

    def _ring_at(self, number: int) -> range:
        """The exposures that batch ``number`` draws from: few at first, so that training begins at once."""
        settings = self._settings
        end = min(FIRST_EXPOSURES, settings.exposures) + number * settings.exposures_per_batch
        return range(max(0, end - settings.exposures), end)

    def _expose(self, wanted: range, spread: Callable[..., Iterable[Exposure]]) -> None:
        for n in [n for n in self._ring if n not in wanted]:
            del self._ring[n]
        missing = [n for n in wanted if n not in self._ring]
        for start in range(0, len(missing), PROJECTED_AT_ONCE):
            some = missing[start : start + PROJECTED_AT_ONCE]
            views = [self._view(n) for n in some]
            soft, bone = self._anatomy.tissue([geometry for geometry, _, _ in views])
            self._ring.update(zip(some, spread(self._exposure, some, views, soft, bone), strict=True))

    def _view(self, number: int) -> tuple[XRayGeometry, float, Matrix]:
        """Geometry of exposure ``number``, its depth and nominal rotation: a nominal view turned across the beam."""
        settings, anatomy = self._settings, self._anatomy
        rng = np.random.default_rng([settings.seed, 1, number])
        primary, secondary = settings.views_deg[rng.integers(len(settings.views_deg))]
        depth_mm = float(rng.uniform(*settings.source_to_patient_mm))
        limit = np.deg2rad(settings.rotation_range_deg)
        tilt, turn = rng.uniform(-limit, limit, 2)
        nominal = nominal_rotation(primary, secondary)
        rotation = rotation_about((tilt, 0, 0)) @ rotation_about((0, turn, 0)) @ nominal
        translation = np.array([0.0, 0.0, depth_mm]) - rotation @ anatomy.middle_ras_mm
        side, field_mm = exposed_side(settings.input_px), EXPOSED_FIELD * anatomy.window_mm
        return pinhole(rotation, translation, side, field_mm, depth_mm), depth_mm, nominal

    def _exposure(self, number: int, view: tuple[XRayGeometry, float, Matrix], soft: Array, bone: Array) -> Exposure:
        rng = np.random.default_rng([self._settings.seed, 2, number])
        geometry, depth_mm, nominal = view
        return Exposure(*drawn_film(soft, bone, geometry, rng), geometry, depth_mm, nominal)

    def _film(self, number: int, ring: range) -> TrainingFilm:
        settings = self._settings
        rng = np.random.default_rng([settings.seed, 3, number])
        exposure = self._ring[ring[int(rng.integers(len(ring)))]]
        to_window, assumed_depth_mm = self._window(exposure, rng)
        side = settings.input_px
        image, known = warped(exposure.image, exposure.known, to_window, side)
        image, known = disturbed(image, known, rng)
        geometry = transformed(exposure.geometry, to_window, side, self._anatomy.window_mm, assumed_depth_mm)
        return TrainingFilm(two_contrasts(image, known), geometry, assumed_depth_mm, exposure.nominal_rotation)

    def _window(self, exposure: Exposure, rng: np.random.Generator) -> tuple[Matrix, float]:
        """3x3 from an exposure's pixels to the window's, and the depth that the film claims."""
        settings = self._settings
        error_mm = float(rng.uniform(-settings.depth_range_mm, settings.depth_range_mm))
        assumed_mm = max(exposure.middle_depth_mm - error_mm, 0.5 * exposure.middle_depth_mm)
        limit = np.deg2rad(settings.rotation_range_deg)
        roll = float(rng.uniform(-limit, limit))
        side, exposed = settings.input_px, exposure.geometry.size_px[0]
        enlargement = assumed_mm / exposure.middle_depth_mm
        scale = enlargement * EXPOSED_FIELD * side / exposed
        shift_px = settings.shift_range_mm / self._anatomy.window_mm * side * enlargement
        middle = (side - 1) / 2 + rng.uniform(-shift_px, shift_px, 2)
        cos, sin = scale * np.cos(roll), scale * np.sin(roll)
        matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        matrix[:2, 2] = middle - matrix[:2, :2] @ np.full(2, (exposed - 1) / 2)
        return matrix, assumed_mm


def pinhole(rotation: Matrix, translation: Matrix, side: int, field_mm: float, depth_mm: float) -> XRayGeometry:
    """Right-handed view of ``side`` x ``side`` pixels that cover ``field_mm`` at ``depth_mm``."""
    focal_px = depth_mm * side / field_mm
    camera = np.array([[focal_px, 0.0, (side - 1) / 2], [0.0, focal_px, (side - 1) / 2], [0.0, 0.0, 1.0]])
    spacing = field_mm / side * DETECTOR_DISTANCE
    matrix = camera @ rigid(rotation, translation)[:3]
    return XRayGeometry(matrix, (side, side), (spacing, spacing), DETECTOR_DISTANCE * depth_mm)


def exposed_side(input_px: int) -> int:
    """Pixels of an exposure, about as fine as the window's."""
    return 8 * round(EXPOSED_FIELD * input_px / 8)


def rotation_about(vector_rad: tuple[float, float, float]) -> Matrix:
    """(3, 3) of a rotation vector."""
    return motion_from_twist([*vector_rad, 0, 0, 0], np.zeros(3))[:3, :3]


def drawn_film(
    soft: Array, bone: Array, geometry: XRayGeometry, rng: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """The picture of a random exposure, and the pixels that are said to show the patient."""
    level = LEVELS[int(rng.choice(len(LEVELS), p=LEVEL_SHARES))]
    known = np.ones(soft.shape, bool)
    if level == "none":
        return soft + bone, known
    film = film_of(soft, bone, geometry, draw_realism(level, rng), rng)
    if rng.random() < MASK_KNOWN and film.mask is not None:
        known = film.mask
    return film.line_integral, known


def disturbed(image: Array, known: NDArray[np.bool_], rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
    """Some films show less than the window, on some an instrument or a hand covers a part."""
    if rng.random() < FIELD_LIMITED:
        known = known & _rectangle(known.shape, rng, 0.55, 1.0)
    if rng.random() < COVERED:
        image[_rectangle(known.shape, rng, 0.05, 0.3)] = rng.uniform(image.min(), image.max())
    return image, known


def _rectangle(shape: tuple[int, int], rng: np.random.Generator, low: float, high: float) -> NDArray[np.bool_]:
    """A rectangle, its sides ``low`` to ``high`` of the image's, anywhere inside."""
    inside = np.zeros(shape, bool)
    size = [max(1, round(rng.uniform(low, high) * n)) for n in shape]
    start = [int(rng.integers(n - s + 1)) for n, s in zip(shape, size, strict=True)]
    inside[start[0] : start[0] + size[0], start[1] : start[1] + size[1]] = True
    return inside
