"""What the films would show of a patient who is not the expected one, in geometries that are not the assumed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.ct import Volume
from XRayLib.geometry import XRayGeometry
from XRayLib.geometry_estimation.film_parameters import (
    PARAMETERS,
    changed,
    deviations_of,
    image_changes,
    zoomed_geometry,
)
from XRayLib.geometry_estimation.patient_prior import PatientPrior
from XRayLib.projector import Projector
from XRayLib.projector.rigid import motion_from_twist

Array = NDArray[np.float64]
Images = NDArray[np.float32]

POSE, STRETCH, FIRST_FILM = slice(0, 6), slice(6, 9), 9
POSE_DEVIATION = np.array([0.09] * 3 + [20.0] * 3)
"""Of the patient's pose (rad, mm) where a film says where it was taken; else the films' own parameters say it."""

STRETCH_STEP, ZOOM_STEP = 1e-3, 1e-3


@dataclass(frozen=True, eq=False)
class Guess:
    """``values``: (9 + 8 films,) the patient's pose and stretch and every film's parameters, in their deviations.
    ``white``: noise behind the patient's difference from the expected one, of ``PatientPrior.noise_shape``."""

    values: Array
    white: Images


class FilmProblem:
    """Films of one patient. ``geometries`` are those assumed, all of one ``size_px``."""

    def __init__(self, prior: PatientPrior, geometries: Sequence[XRayGeometry], device: str) -> None:
        self.prior, self.assumed, self.device = prior, tuple(geometries), device
        of_films = np.array([deviations_of(geometry) for geometry in geometries])
        somewhere_known = bool((of_films[:, :5] == 0).any())
        size = np.full(3, prior.variability.size)
        self.deviations = np.concatenate([POSE_DEVIATION * somewhere_known, size, of_films.ravel()])

    @property
    def film_deviations(self) -> Array:
        """(films, 8) expected differences from the assumed geometry, 0 where it is known."""
        return self.deviations[FIRST_FILM:].reshape(-1, len(PARAMETERS))

    @property
    def open(self) -> NDArray[np.intp]:
        """Indices of the values that are not known."""
        return np.flatnonzero(self.deviations)

    def start(self) -> Guess:
        """The expected patient in the assumed geometry."""
        return Guess(np.zeros(len(self.deviations)), np.zeros(self.prior.noise_shape, np.float32))

    def film_values(self, guess: Guess) -> Array:
        """(films, 8) differences from the assumed geometry, in the units of PARAMETERS."""
        return (guess.values * self.deviations)[FIRST_FILM:].reshape(-1, len(PARAMETERS))

    def patient(self, guess: Guess) -> Volume:
        """Where its pose is the identity."""
        return self.prior.patient(guess.white, (guess.values * self.deviations)[STRETCH])

    def pose(self, guess: Guess) -> Array:
        """4x4, the patient's."""
        return motion_from_twist((guess.values * self.deviations)[POSE], self.prior.pivot)

    def geometries(self, guess: Guess) -> list[XRayGeometry]:
        """The films' geometries in the patient's frame."""
        pairs = zip(self.assumed, self.film_values(guess), strict=True)
        return [changed(geometry, values, self.prior.pivot).moved(self.pose(guess)) for geometry, values in pairs]

    def images(self, guess: Guess) -> Images:
        """(films, rows, columns) line integrals."""
        return Projector(self.patient(guess), device=self.device).project(self.geometries(guess))

    def linearised(self, guess: Guess) -> tuple[Images, Images]:
        """Images, and their derivatives (values, films, rows, columns) by ``guess.values``."""
        geometries, pivot = self.geometries(guess), self.prior.pivot
        projector = Projector(self.patient(guess), device=self.device)
        images, twists = projector.pose_jacobian(geometries, pivot)
        zoomed = (projector.project([zoomed_geometry(g, ZOOM_STEP) for g in geometries]) - images) / ZOOM_STEP
        columns = np.zeros((len(self.deviations), *images.shape), np.float32)
        columns[POSE] = twists.swapaxes(0, 1)
        stretch = (guess.values * self.deviations)[STRETCH]
        for axis in range(3):
            longer = self.prior.patient(guess.white, stretch + STRETCH_STEP * np.eye(3)[axis])
            columns[6 + axis] = (Projector(longer, device=self.device).project(geometries) - images) / STRETCH_STEP
        pose = self.pose(guess)
        for n, values in enumerate(self.film_values(guess)):
            first = FIRST_FILM + n * len(PARAMETERS)
            columns[first : first + len(PARAMETERS), n] = image_changes(
                self.assumed[n], values, pose, pivot, zoomed[n], twists[n]
            )
        return images, columns * self.deviations[:, None, None, None].astype(np.float32)
