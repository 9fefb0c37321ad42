"""What a film holds that no volume explains, as Gaussian random numbers of known size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from XRayLib.tomography import Films

Array = NDArray[np.float32]

BACKGROUND_SIGMA_MM = 40.0
"""How far a background reaches, on the scale of the anatomy."""


@dataclass(frozen=True)
class FilmDeviation:
    """What a film holds beside the patient: standard deviations in line integrals, and how its gain is found.

    ``background`` is what varies slowly: scatter, heel effect, local contrast. The gain of an uncalibrated film makes
    it fit best, or with ``same_contrast`` as contrasty as its projection: a wrong volume correlates less with the film,
    which makes the gain of the best fit too small and the film in line integrals too contrasty.
    """

    white: float
    background: float = 0.0
    same_contrast: bool = False


MEASURED = FilmDeviation(0.02)
"""A calibrated film."""

PROCESSED = FilmDeviation(0.2, 0.05, same_contrast=True)
"""A film of unknown gain, tone curve and local contrast."""


class FilmErrors:
    """The errors of several films: white noise ``white`` (views, 1, 1) and a slowly varying background.

    ``uncalibrated`` is that of films that are not calibrated; ``pitch_mm`` is the pixel pitch at the anatomy.
    """

    def __init__(
        self, films: Films, pitch_mm: float, uncalibrated: FilmDeviation, measured: FilmDeviation = MEASURED
    ) -> None:
        deviations = [measured if calibrated else uncalibrated for calibrated in films.calibrated]
        self.white = np.array([d.white for d in deviations], np.float32)[:, None, None]
        self._background = np.array([d.background for d in deviations], np.float32)[:, None, None]
        self._sigma_px = BACKGROUND_SIGMA_MM / pitch_mm

    def background(self, white: Array) -> Array:
        """White noise (views, rows, columns) as the background in line integrals; its own adjoint."""
        from scipy import ndimage

        if not self._background.any():
            return np.zeros_like(white)
        unit_variance = 2 * np.sqrt(np.pi) * self._sigma_px
        smooth = ndimage.gaussian_filter(white, (0, self._sigma_px, self._sigma_px), mode="constant")
        return self._background * np.float32(unit_variance) * smooth


def with_background(
    forward: Callable[[Array], Array], adjoint: Callable[[Array], Array], errors: FilmErrors, shape: tuple[int, ...]
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The maps between a volume's white noise of ``shape`` and films, for a flat vector of it and the background's."""
    size = int(np.prod(shape))

    def films_of(white: Array) -> Array:
        images = forward(white[:size].reshape(shape))
        return images + errors.background(white[size:].reshape(images.shape))

    def white_of(images: Array) -> Array:
        return np.concatenate([adjoint(images).ravel(), errors.background(images).ravel()])

    return films_of, white_of
