"""What a film of unknown processing makes of line integrals: a smooth curve, of which only the size is known."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial.hermite_e import hermevander
from numpy.typing import NDArray
from XRayLib.data_consistency.film_corrections import of_same_contrast
from XRayLib.tomography import Films

Array = NDArray[np.float32]

CURVE_DEVIATIONS = np.array([1.0, 0.3, 0.3, 0.2], np.float32)
"""Of offset, gain, curvature and S shape, relative to the film's contrast: tone curves, scatter, hard beams."""

WIDEST = 2.5
"""Contrasts from the mean up to which a curve is curved."""


class DisplayCurves:
    """Shown is p + sum_n w_n d_n s He_n((p - m) / s) / sqrt(n!) for line integrals p of mean m and deviation s.

    He_n are Hermite polynomials, which are uncorrelated for values spread normally; d_n are CURVE_DEVIATIONS and w_n
    weights (views, 4) of deviation 1, without effect on calibrated films.
    """

    def __init__(self, calibrated: tuple[bool, ...], seen: NDArray[np.bool_]) -> None:
        self._unknown = np.array([not known for known in calibrated], np.float32)[:, None, None]
        self._seen = seen
        self.shape = (len(calibrated), len(CURVE_DEVIATIONS))

    def terms(self, projected: Array) -> Array:
        """(views, 4, rows, columns): what is shown more per weight."""
        relative, contrast = self._relative(projected)
        return (self._unknown * contrast)[:, None] * CURVE_DEVIATIONS[:, None, None] * self._polynomials(relative)

    def shown(self, projected: Array, weights: Array) -> Array:
        """(views, rows, columns)"""
        return projected + np.einsum("vn,vnyx->vyx", weights, self.terms(projected))

    def slope(self, projected: Array, weights: Array) -> Array:
        """(views, rows, columns): derivative of ``shown`` by the line integrals."""
        relative, _ = self._relative(projected)
        order = np.sqrt(np.arange(1, self.shape[1], dtype=np.float32))
        weighted = weights[:, 1:] * CURVE_DEVIATIONS[1:] * order * self._unknown[:, :, 0]
        change = np.einsum("vn,vnyx->vyx", weighted, self._polynomials(relative)[:, :-1])
        return 1 + change * (np.abs(relative) < WIDEST)

    def _polynomials(self, relative: Array) -> Array:
        norms = np.sqrt([math.factorial(n) for n in range(self.shape[1])])
        found = hermevander(np.clip(relative, -WIDEST, WIDEST), self.shape[1] - 1) / norms
        return np.moveaxis(found, -1, 1).astype(np.float32)

    def _relative(self, projected: Array) -> tuple[Array, Array]:
        """In contrasts from the mean of every film, and the contrasts (views, 1, 1)."""
        count = np.maximum(self._seen.sum(axis=(1, 2), keepdims=True), 1)
        mean = (projected * self._seen).sum(axis=(1, 2), keepdims=True) / count
        variance = ((projected - mean) ** 2 * self._seen).sum(axis=(1, 2), keepdims=True) / count
        contrast = np.maximum(np.sqrt(variance), 1e-6).astype(np.float32)
        return ((projected - mean) / contrast).astype(np.float32), contrast


def as_contrasty(films: Films, projected: Array, seen: NDArray[np.bool_]) -> Films:
    """Films in line integrals: uncalibrated ones get the mean and the deviation of ``projected`` where ``seen``."""
    gains, offsets = np.ones(len(projected)), np.zeros(len(projected))
    for n, (image, wanted, pixels) in enumerate(zip(films.images, projected, seen, strict=True)):
        if not films.calibrated[n] and pixels.any() and wanted[pixels].std() > 0:
            gains[n], offsets[n] = of_same_contrast(wanted[pixels], image[pixels])
    return films.in_line_integrals(gains, offsets)
