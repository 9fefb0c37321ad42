"""The least-squares problem of matching projections to films: locally normalised residuals with robust weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from XRayRegistrationLib.rigid.covariance import tile_gradients
from XRayRegistrationLib.rigid.film_pyramid import Film
from XRayRegistrationLib.rigid.local_normalisation import LocalNormaliser

Matrix = NDArray[np.float64]
Image = NDArray[np.float32]

OUTLIER_RESIDUAL = 1.0
"""Residual (in local standard deviations) at which a pixel's weight has halved (Cauchy's weights)."""

FEWEST_PIXELS = 60
SMALLEST_SIGNAL = 0.01
"""Less than this share of the films' contrast above the noise is nothing to register on."""


class NormalEquations:
    """J^T W J and J^T W r of one pose (and, when asked for, other parameters), gathered film by film.

    Parameters
    ----------
    parameters : int
        Number of columns of the Jacobian.
    with_tiles : bool
        Keep the gradients of whole tiles, for the covariance.
    """

    def __init__(self, parameters: int, with_tiles: bool = False) -> None:
        self.tiles: list[Matrix] | None = [] if with_tiles else None
        self.hessian, self.gradient = np.zeros((parameters, parameters)), np.zeros(parameters)
        self.open_pixels = self.pixels = 0
        self._cost = self._signal = 0.0
        self._film_power = self._image_power = self._product = 0.0

    def add(self, film: Film, image: Image, jacobian: Image, normaliser: LocalNormaliser) -> None:
        """Add a film: the projection on its grid and the projection's derivatives (parameters, rows, columns)."""
        valid = normaliser.valid
        floor = normaliser.floor(image)
        if not valid.any() or floor <= 0:
            return
        wanted = normaliser.normalise(film.image, normaliser.floor(film.image))[valid]
        found, derivative = normaliser.normalise_with_jacobian(image, jacobian, floor)
        found, derivative = found[valid], derivative[:, valid]
        residual = wanted - found
        scaled = residual**2 / OUTLIER_RESIDUAL**2
        signal = film.signal[valid]
        weight = signal / (1 + scaled)
        weighted = derivative * weight
        self.hessian += (weighted @ derivative.T).astype(np.float64)
        self.gradient += (weighted @ residual).astype(np.float64)
        if self.tiles is not None:
            self.tiles.append(tile_gradients(weighted, residual, valid))
        self._cost += float((signal * np.log1p(scaled)).sum(dtype=np.float64))
        self._signal += float(signal.sum(dtype=np.float64))
        self.pixels += residual.size
        self._film_power += float((weight * wanted) @ wanted)
        self._image_power += float((weight * found) @ found)
        self._product += float((weight * wanted) @ found)

    @property
    def enough(self) -> bool:
        """Whether enough of the films could be compared."""
        return self.pixels >= FEWEST_PIXELS and self._signal >= SMALLEST_SIGNAL * self.pixels

    @property
    def mean_cost(self) -> float:
        """Mean robust residual, by signal."""
        return self._cost / self._signal

    @property
    def similarity(self) -> float:
        """Weighted correlation of the locally normalised films and projections."""
        power = float(np.sqrt(self._film_power * self._image_power))
        return self._product / power if power > 0 else 0.0
