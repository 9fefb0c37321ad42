"""How unlikely a difference between films and the expected patient's projections is, whoever the patient is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayLib.geometry_estimation.film_problem import FilmProblem, Guess
from XRayLib.projector import backproject

Array = NDArray[np.float64]
Images = NDArray[np.float32]

PIXEL_DEVIATION = 0.08
"""Of a coarse pixel in line integrals, besides what the patient's difference explains."""
GAIN_DEVIATION, OFFSET_DEVIATION = 0.3, 1.0
"""Of a film of unknown exposure, once it is brought to the projection's mean and contrast."""


class FilmMisfit:
    """The covariance of films of patients who differ from the expected one, at one guess of the geometry.

    ``images`` (films, rows, columns) in line integrals; only pixels in ``seen`` count.
    """

    def __init__(
        self, problem: FilmProblem, guess: Guess, images: Images, seen: NDArray[np.bool_], calibrated: tuple[bool, ...]
    ) -> None:
        self._problem, self._seen = problem, seen
        self.films = images[seen].astype(float)
        self._spread = self._projected_noise(guess)
        covariance = (self._spread @ self._spread.T).astype(float) + PIXEL_DEVIATION**2 * np.eye(len(self.films))
        for n, known in enumerate(calibrated):
            if not known:
                of_film = np.zeros(images.shape)
                of_film[n] = 1
                for column in (GAIN_DEVIATION * of_film * images, OFFSET_DEVIATION * of_film):
                    covariance += np.outer(column[seen], column[seen])
        self._inverse = np.linalg.inv(covariance)

    def _projected_noise(self, guess: Guess) -> Images:
        """(pixels, noise): what every pixel sees of every white noise; one back-projection each."""
        problem = self._problem
        patient, geometries = problem.patient(guess), problem.geometries(guess)
        rows = []
        for view, row, column in np.argwhere(self._seen):
            pixel = np.zeros((1, *self._seen.shape[1:]), np.float32)
            pixel[0, row, column] = 1
            spread = backproject(pixel, [geometries[view]], patient, device=problem.device)
            rows.append(problem.prior.shaped_adjoint(spread).ravel())
        return np.stack(rows)

    def unlikely(self, difference: Array) -> Array:
        """The inverse of the covariance times a difference (pixels,) or several (pixels, n)."""
        return self._inverse @ difference

    def noise_behind(self, difference: Array) -> Images:
        """The most likely white noise behind a difference (pixels,)."""
        noise = self._spread.T @ self.unlikely(difference).astype(np.float32)
        return noise.reshape(self._problem.prior.noise_shape)

    def of_pixels(self, images: Images) -> Array:
        """The seen pixels of (..., films, rows, columns)."""
        return images[..., self._seen].astype(float)

    def cost(self, guess: Guess) -> float:
        """Minus twice the logarithm of the probability of films and values, up to a constant."""
        difference = self.films - self.of_pixels(self._problem.images(guess))
        return float(difference @ self.unlikely(difference)) + float((guess.values**2).sum())
